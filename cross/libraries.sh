#!/bin/bash
# libraries.sh CPU: unpacks the static libraries that thaw-exec is linked with for another CPU, from Debian's packages, and prints
# the folder that holds them. Quick when they are there already.
set -euo pipefail
. "$(dirname "$0")/common.sh"
use_cpu "$1"
. "$project/cross/apt.sh"
. "$project/cross/unpack.sh"

packages=(libsodium-dev)
result=$cpu_cache/libraries
# The stamp says which packages they are, for the SBOM.
if [ ! -s "$result/.of-${packages[*]}" ]; then
    update_lists
    archives=$cpu_cache/archives
    mkdir -p "$archives/partial"
    list=$(mktemp)
    work=$(mktemp -d "$cpu_cache/libraries.XXXXXX")
    trap 'rm -rf "$list" "$work"' EXIT
    # Only the packages themselves: libc comes with the cross compiler.
    resolve "${packages[@]}" | grep -E "^($(IFS='|' && echo "${packages[*]}"))_" >"$list" ||
        fail "$cpu: apt cannot resolve: ${packages[*]}"
    say "$cpu: unpacking ${packages[*]}"
    download "$archives" "${packages[@]}"
    unpack "$list" "$work/root"
    cp "$list" "$work/root/.of-${packages[*]}"
    rm -rf "$result"
    mv "$work/root" "$result"
fi
echo "$result/usr/lib/$triplet"
