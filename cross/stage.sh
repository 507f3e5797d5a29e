#!/bin/bash
# stage.sh CPU DIRECTORY: makes DIRECTORY the project as a device of that CPU would have it: what is built, what it needs of
# node_modules, and the profiles. For `guest.sh run CPU --in DIRECTORY`.
set -euo pipefail
. "$(dirname "$0")/common.sh"
[ $# = 2 ] || fail "usage: stage.sh CPU DIRECTORY"
use_cpu "$1"
directory=$2

built=(thaw-exec thaw.node bench/first_answer)
for name in "${built[@]}"; do
    [ -e "$project/build/$cpu/$name" ] || fail "build/$cpu/$name is not built; run npm run build:all"
done
rm -rf "$directory"
mkdir -p "$directory"
cd "$project"
cp -p --parents "${built[@]/#/build/$cpu/}" "$directory/"
# The TypeScript compiler is what the ts-server profile serves.
modules=$(npm ls --omit=dev --all --parseable 2>/dev/null | sed -n "s,^$project/,,p" | grep -v node-addon-api)
# shellcheck disable=SC2086 # one word per module
cp -p --parents -r package.json dist profiles $modules node_modules/typescript/package.json "$directory/"
mkdir -p "$directory/node_modules/typescript/lib"
cp -p node_modules/typescript/lib/{typescript.js,lib.*.d.ts} "$directory/node_modules/typescript/lib/"
# Emulation takes its time.
sed -i 's/^timeout = .*/timeout = "600s"/' "$directory"/profiles/*/profile.toml
[ ! -d build/profiles ] || cp -p --parents -r build/profiles "$directory/"
