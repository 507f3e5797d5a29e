#!/bin/sh
# What the second of two builds costs on the wire by casync's chunks, for a device that has the first: wire.sh OLD NEW [AVG-CHUNK]
# Prints: bytes of NEW; bytes of the chunks that OLD has not, with the index, and their number; the same of all chunks of NEW.
# docs/how-to/ota.md has figures.
set -eu
old=$1 new=$2 chunk=${3:-65536}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
chunks() { find "$work/$1" -name '*.cacnk' -printf '%s\n' | awk '{ bytes += $1 } END { print bytes + 0, NR }'; }
make() { casync make --chunk-size="$chunk" --store="$work/$1" "$work/$2.caibx" "$3" >/dev/null; }
make store old "$old"
# shellcheck disable=SC2046 # two words
set -- $(chunks store)
make store new "$new"
make alone new "$new"
# shellcheck disable=SC2046 # four words
set -- "$@" $(chunks store) $(chunks alone)
index=$(stat -c %s "$work/new.caibx")
echo "$(stat -c %s "$new") $(($3 - $1 + index)) $(($4 - $2)) $(($5 + index)) $6"
