#!/bin/sh
# `npm run bench`: sets everything up, measures, and prints the tables. Arguments go to the bench: see --help.
set -eu
. "$(dirname "$0")/common.sh"
# Said on standard error: standard output is for the tables.
sh scripts/setup.sh >&2
exec node dist/bench/bench.js "$@"
