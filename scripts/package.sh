#!/bin/sh
# `npm run package [-- CPU...]`: the npm package, and Debian packages for each CPU (default: all), with their SBOMs, in
# build/packages/, or in the folder THAW_PACKAGES, which is emptied. docs/how-to/packages.md says what is in them.
set -eu
. "$(dirname "$0")/common.sh"

# shellcheck disable=SC2046 # one word per CPU
[ $# -gt 0 ] || set -- $(all_cpus)
output=${THAW_PACKAGES:-$root/build/packages}
# CPU:TRIPLET:ARCHITECTURE, for those who pack.
rows=
for name in "$@"; do
    load_cpu "$name"
    rows="$rows $cpu:$triplet:$debian_architecture"
done
step "compiling TypeScript" npm run --silent build
[ "$*" = "$host_cpu" ] || step "Debian packages for building" cross/setup.sh
sh scripts/build-native.sh "$@"
# shellcheck disable=SC2086 # one word per row
step "packing" node dist/scripts/packaging/main.js "$output" $rows
ls "$output"
