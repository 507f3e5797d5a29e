#!/bin/sh
# Compiles the server into build/, when its source is newer than what was compiled of it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=$here/../../build/profiles/erlang
if [ -e "$dir/server.beam" ] && [ "$dir/server.beam" -nt "$here/server.erl" ]; then exit 0; fi
echo "erlang: compiling the server"
mkdir -p "$dir"
erlc -Werror -o "$dir" "$here/server.erl"
