#!/bin/sh
# Compiles the app, into build/profiles/sdl2.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=$here/../../build/profiles/sdl2
mkdir -p "$dir"
[ "$dir/counter" -nt "$here/counter.c" ] && exit 0
# shellcheck disable=SC2046 # several words
cc -O2 -Wall -Wextra -o "$dir/counter" "$here/counter.c" $(pkg-config --cflags --libs sdl2 SDL2_ttf)
