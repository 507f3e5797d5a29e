#!/bin/sh
# Makes a fresh root of this machine's Debian, with Debian's own Node.js, as build/debian-root.tar, which packages are installed
# in. Quick when it is there.
# debian-root.sh systemd: one that boots, as build/debian-root-systemd.tar.
set -eu
. "$(dirname "$0")/common.sh"
packages=nodejs,pkg-config
case ${1:-} in
    '') ;;
    systemd) packages=$packages,systemd,dbus,python3,curl ;;
    *) fail "there is no root with '$1'" ;;
esac
tar=$root/build/debian-root${1:+-$1}.tar
[ ! -e "$tar" ] || exit 0
mkdir -p "$root/build"
. /etc/os-release
sources=$(mktemp)
trap 'rm -f "$sources" "$tar.new"' EXIT
# Debian alone: this machine may have its Node.js from elsewhere.
bash -c '. cross/common.sh; . cross/apt.sh; write_sources' >"$sources"
mmdebstrap --quiet --format=tar --variant=minbase --include="$packages" "$VERSION_CODENAME" "$tar.new" "$sources"
mv "$tar.new" "$tar"
