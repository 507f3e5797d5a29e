#!/bin/sh
# Lays out the prefix folder of php-fpm under build/: its configuration, its scripts, and what asks it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
prefix=$here/../../build/profiles/php-fpm
mkdir -p "$prefix/run"
# Copied only when different: an unchanged file keeps its time, so an image made from it stays good.
for file in php-fpm.conf films.php catalogue.php ask.sh; do
    cmp -s "$here/$file" "$prefix/$file" || cp "$here/$file" "$prefix/$file"
done
