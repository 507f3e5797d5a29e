#!/bin/bash
# musl.sh CPU: prints a compiler's command that links with musl for another CPU, statically: its loader is in no guest. Quick when
# musl is there already.
set -euo pipefail
. "$(dirname "$0")/common.sh"
use_cpu "$1"
. "$project/cross/apt.sh"
. "$project/cross/unpack.sh"

root=$cpu_cache/musl
unpack_alone "$root" musl-dev
specs=$root/musl-gcc.specs
# The package's own say where its files would be installed.
sed -E "s#/usr/(lib|include)/[a-z0-9_]+-linux-musl#$root&#g" "$root"/usr/lib/*-linux-musl*/musl-gcc.specs >"$specs.$$"
mv "$specs.$$" "$specs"
echo "$triplet-gcc -specs=$specs"
