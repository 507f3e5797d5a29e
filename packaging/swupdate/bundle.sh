#!/bin/sh
# An update for SWUpdate with a sealed store (thaw pack), signed as CMS: bundle.sh STORE OUTPUT.swu
# VERSION, HARDWARE (revisions, with spaces between two), DEVICE (the partition), CERT and KEY: docs/how-to/ota.md.
set -eu
here=$(dirname "$0")
[ $# = 2 ] || { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }
store=$(realpath "$1") output=$(realpath -m "$2")
: "${VERSION:?}" "${HARDWARE:?}" "${DEVICE:?}" "${CERT:?}" "${KEY:?}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
file=$(basename "$store")
cp "$store" "$work/$file"
sum=$(sha256sum "$work/$file" | cut -d ' ' -f 1)
revisions=
for revision in $HARDWARE; do revisions="$revisions${revisions:+, }\"$revision\""; done
sed -e "s|@VERSION@|$VERSION|; s|@HARDWARE@|$revisions|; s|@FILE@|$file|; s|@DEVICE@|$DEVICE|; s|@SHA256@|$sum|" \
    "$here/sw-description.in" >"$work/sw-description"
openssl cms -sign -in "$work/sw-description" -out "$work/sw-description.sig" -signer "$CERT" -inkey "$KEY" \
    -outform DER -nosmimecap -binary
# SWUpdate reads the description before anything else.
(cd "$work" && printf 'sw-description\nsw-description.sig\n%s\n' "$file" | cpio -o -H crc --quiet) >"$output.new"
mv "$output.new" "$output"
