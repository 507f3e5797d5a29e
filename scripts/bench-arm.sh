#!/bin/sh
# `npm run bench:arm`: sets everything up, measures in QEMU guests of both ARM CPUs, and prints the table. Arguments go to the
# bench: see --help.
set -eu
. "$(dirname "$0")/common.sh"
# Said on standard error: standard output is for the tables.
{
    sh scripts/setup.sh
    step "Debian packages for guests" cross/setup.sh
    sh scripts/build-native.sh all
} >&2
exec node dist/bench/arm.js "$@"
