#!/bin/sh
# An XRootD server for the tests of root:// sources: Debian's and Ubuntu's package. Nothing is started, nothing in /etc is used.
set -eu
command -v xrootd > /dev/null && exit 0
if ! command -v apt-get > /dev/null || [ "$(id -u)" != 0 ]; then
    echo "install_xrootd: error: found no xrootd; install it: apt-get install xrootd-server (as root)" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get install --yes --quiet --no-install-recommends xrootd-server > /dev/null ||
    { apt-get update --quiet > /dev/null && apt-get install --yes --quiet --no-install-recommends xrootd-server > /dev/null; }
