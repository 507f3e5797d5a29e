#!/bin/sh
# Lays out the prefix folder of nginx under build/: its configuration, its site, and room for the files it writes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
prefix=$here/../../build/profiles/nginx-workers
mkdir -p "$prefix/run" "$prefix/temp" "$prefix/site"
# Copied only when different: an unchanged file keeps its time, so an image made from it stays good.
for file in nginx.conf site/films.json; do
    cmp -s "$here/$file" "$prefix/$file" || cp "$here/$file" "$prefix/$file"
done
