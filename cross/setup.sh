#!/bin/bash
# Installs what builds for other CPUs and their guests need on a Debian 12 machine: cross compilers, QEMU, file system tools.
# Quick when nothing is missing. Their packages go into guests only (see apt.sh), so no foreign architecture is added to this
# machine.
set -euo pipefail
. "$(dirname "$0")/common.sh"

# shellcheck disable=SC2207 # one word per package
packages=(
    $(guest_packages compilers) $(guest_packages emulators) qemu-user-static device-tree-compiler
    libglib2.0-bin shared-mime-info squashfs-tools erofs-utils e2fsprogs cpio kmod xz-utils u-boot-tools
)

missing=()
for package in "${packages[@]}"; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing+=("$package")
done
[ ${#missing[@]} != 0 ] || exit 0

say "Debian packages to install: ${missing[*]}"
as_root=()
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "root or sudo is needed to install packages"
    as_root=(sudo)
fi
install() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >&2
}
# Package lists may be absent or too old; they are fetched only when an install without them does not work.
install || { "${as_root[@]}" apt-get update -q >&2 && install; }
