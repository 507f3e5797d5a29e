#!/bin/bash
# run.sh CPU: compiles the checks of this folder and runs them under user emulation.
set -euo pipefail
. "$(dirname "$0")/../common.sh"
use_cpu "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${cross_prefix}g++" -std=c++20 -O1 -Wall -Wextra -Werror -Wno-psabi -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 -static \
    -I"$project/native" -o "$work/sigreturn" "$project/cross/check/sigreturn.cc" "$project"/native/arch/{ptrace,$cpu/*}.cc "$project"/native/support/{file,result}.cc
for model in $frame_models; do "$emulator" -cpu "$model" "$work/sigreturn"; done
