#!/bin/sh
# Makes a fresh root of this machine's Debian, with Debian's own Node.js, as build/debian-root.tar, which packages are installed
# in. Quick when it is there.
set -eu
. "$(dirname "$0")/common.sh"
tar=$root/build/debian-root.tar
[ ! -e "$tar" ] || exit 0
mkdir -p "$root/build"
. /etc/os-release
sources=$(mktemp)
trap 'rm -f "$sources" "$tar.new"' EXIT
# Debian alone: this machine may have its Node.js from elsewhere.
bash -c '. cross/common.sh; . cross/apt.sh; write_sources' >"$sources"
mmdebstrap --quiet --format=tar --variant=minbase --include=nodejs,pkg-config "$VERSION_CODENAME" "$tar.new" "$sources"
mv "$tar.new" "$tar"
