#!/bin/sh
# `npm run build`: compiles TypeScript into dist/.
set -eu
. "$(dirname "$0")/common.sh"
# What was compiled from files that have gone would still be there, and its tests would still run.
[ ! -d dist ] || find dist -name '*.js' | while read -r compiled; do
    source=${compiled#dist/}
    [ -e "${source%.js}.ts" ] || rm "$compiled"
done
exec npx --no-install tsc -p .
