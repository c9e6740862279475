#!/bin/sh
# Slurm for `make test-cluster`: Debian's and Ubuntu's packages, 3 MB. Nothing is started and nothing in /etc is used.
set -eu
command -v slurmctld > /dev/null || [ -x /usr/sbin/slurmctld ] && exit 0
if ! command -v apt-get > /dev/null || [ "$(id -u)" != 0 ]; then
    echo "test-cluster: error: found no slurmctld; install it: apt-get install slurmd slurmctld munge (as root)" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get install --yes --quiet --no-install-recommends slurmd slurmctld munge > /dev/null ||
    { apt-get update --quiet > /dev/null && apt-get install --yes --quiet --no-install-recommends slurmd slurmctld munge > /dev/null; }
