#!/bin/sh
# Makes a fresh root of this machine's Debian, with Debian's own Node.js, as build/debian-root.tar, which packages are installed
# in. Quick when it is there.
# debian-root.sh systemd: one that boots, as build/debian-root-systemd.tar.
# debian-root.sh --cpu CPU: of another CPU, as build/debian-root-CPU.tar; its packages are set up under emulation, by root.
set -eu
. "$(dirname "$0")/common.sh"
packages=nodejs,pkg-config
make=mmdebstrap
name=debian-root${1:+-$1}
case ${1:-} in
    '') ;;
    systemd) packages=$packages,systemd,dbus,python3,curl ;;
    --cpu)
        load_cpu "${2:-}"
        name=debian-root-$cpu
        # It would look for QEMU among the machine's own programs; /sys belongs to the machine's network.
        make="cross/emulated.sh --all-ids $cpu mmdebstrap --mode=root --skip=check/qemu,chroot/mount/sys"
        make="$make --architectures=$debian_architecture"
        ;;
    *) fail "there is no root with '$1'" ;;
esac
tar=$root/build/$name.tar
[ ! -e "$tar" ] || exit 0
mkdir -p "$root/build"
. /etc/os-release
sources=$(mktemp)
trap 'rm -f "$sources" "$tar.new"' EXIT
# Debian alone: this machine may have its Node.js from elsewhere.
bash -c '. cross/common.sh; . cross/apt.sh; write_sources' >"$sources"
# shellcheck disable=SC2086 # one word per option
$make --quiet --format=tar --variant=minbase --include="$packages" "$VERSION_CODENAME" "$tar.new" "$sources"
mv "$tar.new" "$tar"
