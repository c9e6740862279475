#!/bin/sh
# Chromium for the tests of the interactive page: Debian's package. Nothing to do where one is installed.
set -eu
command -v chromium > /dev/null || command -v chromium-browser > /dev/null || command -v google-chrome > /dev/null && exit 0
if ! command -v apt-get > /dev/null || [ "$(id -u)" != 0 ]; then
    echo "install_browser: error: found no Chromium; install it: apt-get install chromium (as root)" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get install --yes --quiet --no-install-recommends chromium > /dev/null ||
    { apt-get update --quiet > /dev/null && apt-get install --yes --quiet --no-install-recommends chromium > /dev/null; }
