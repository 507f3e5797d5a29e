#!/bin/sh
# A RAUC bundle with a sealed store (thaw pack) for the slot class `thaw`: bundle.sh STORE OUTPUT.raucb
# COMPATIBLE, VERSION, CERT and KEY are the device's and the vendor's (docs/how-to/ota.md); FORMAT: plain or verity.
set -eu
here=$(dirname "$0")
[ $# = 2 ] || { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }
store=$1 output=$2
: "${COMPATIBLE:?}" "${VERSION:?}" "${CERT:?}" "${KEY:?}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
mkdir "$work/content"
# RAUC knows by the ending that it is to be written as it is.
cp "$store" "$work/content/store.img"
sed -e "s|@COMPATIBLE@|$COMPATIBLE|; s|@VERSION@|$VERSION|; s|@FORMAT@|${FORMAT:-plain}|" \
    "$here/manifest.raucm.in" >"$work/content/manifest.raucm"
rauc --cert="$CERT" --key="$KEY" bundle "$work/content" "$work/bundle.raucb"
cp "$work/bundle.raucb" "$output.new"
mv "$output.new" "$output"
