#!/bin/bash
# libraries.sh CPU: unpacks the static libraries that thaw-exec is linked with for another CPU, from Debian's packages, and prints
# the folder that holds them. Quick when they are there already.
set -euo pipefail
. "$(dirname "$0")/common.sh"
use_cpu "$1"
. "$project/cross/apt.sh"
. "$project/cross/unpack.sh"

# libc comes with the cross compiler.
unpack_alone "$cpu_cache/libraries" libsodium-dev
echo "$cpu_cache/libraries/usr/lib/$triplet"
