#!/bin/bash
# run.sh CPU: compiles the checks of this folder and runs them under user emulation.
set -euo pipefail
. "$(dirname "$0")/../common.sh"
use_cpu "$1"
case $cpu in
    aarch64) folder=aarch64 emulator=qemu-aarch64-static flags=-mbranch-protection=none ;;
    armv7) folder=arm emulator=qemu-arm-static flags=-Wno-psabi ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${cross_prefix}g++" -std=c++20 -O1 -Wall -Wextra -Werror $flags -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 -static \
    -I"$project/native" -o "$work/sigreturn" "$project/cross/check/sigreturn.cc" "$project"/native/arch/$folder/*.cc "$project/native/support/file.cc"
"$emulator" "$work/sigreturn"
[ "$cpu" != aarch64 ] || "$emulator" -cpu cortex-a53 "$work/sigreturn"
