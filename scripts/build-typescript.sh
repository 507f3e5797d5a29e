#!/bin/sh
# `npm run build`: compiles TypeScript into dist/, and bundles what reports run in the browser.
set -eu
. "$(dirname "$0")/common.sh"
# What was compiled from files that have gone would still be there, and its tests would still run.
[ ! -d dist ] || find dist -name '*.js' -not -path 'dist/report/*' | while read -r compiled; do
    source=${compiled#dist/}
    [ -e "${source%.js}.ts" ] || rm "$compiled"
done
npx --no-install tsc -p .
# npx of a clone calls it as a program.
chmod +x dist/launcher/cli.js
browser=launcher/reporting/browser
exec npx --no-install esbuild "$browser/main.ts" "$browser/page.css" --bundle --minify --target=es2022 \
    --log-level=warning --outdir=dist/report
