#!/bin/bash
# kernel.sh CPU FLAVOUR: makes a guest's kernel and initramfs from Debian's linux-image-FLAVOUR package (arm64, cloud-arm64;
# armmp, armmp-lpae; SUITE/FLAVOUR takes it from another release of Debian, as in trixie/arm64-16k) and prints the folder that
# holds them: kernel, initrd, version.
# Quick when the newest is there already.
# kernel.sh CPU FLAVOUR DIR: unpacks the package alone into the new folder DIR, as a device's kernel comes: boot/vmlinuz-VERSION and
# lib/modules/VERSION.
set -euo pipefail
. "$(dirname "$0")/common.sh"
use_cpu "$1"
flavour=${2:-$default_flavour}
use_flavour "$flavour"
. "$project/cross/apt.sh"
. "$project/cross/initrd.sh"

# apt-cache names the package that the flavour's metapackage stands for.
newest_package() {
    cross_apt apt-cache depends --important "$kernel_package" | sed -nE 's/^ +Depends: (linux-image-[0-9].*)/\1/p' | head -n 1
}

# QEMU starts an unpacked kernel several seconds sooner than one that unpacks itself.
unpack_zimage() {
    local offset
    # The unpacker in front of the data holds the same magic bytes as a constant. xz reports the bytes that follow its data.
    for offset in $(LC_ALL=C grep -abo -P '\xFD7zXZ\x00' "$1" | cut -d: -f1); do
        tail -c "+$((offset + 1))" "$1" | xz -dc --single-stream >"$2.raw" 2>/dev/null || true
        [ ! -s "$2.raw" ] || break
    done
    [ -s "$2.raw" ] || fail "$flavour: its zImage holds no xz data"
    mkimage -A arm -O linux -T kernel -C none -a "$zimage_load_address" -e "$zimage_load_address" -n "$flavour" -d "$2.raw" "$2" >/dev/null
    rm -f "$2.raw"
}

# fetch TREE: what the package holds, with the list of its modules.
fetch() {
    mkdir -p "$1"
    (cd "$1" && cross_apt apt-get download "$package" >"$cpu_cache/download.log" 2>&1) || fail "cannot download $package"
    dpkg-deb -x "$1"/*.deb "$1"
    rm "$1"/*.deb
    [ -e "$1/lib" ] || ln -s usr/lib "$1/lib" # Since trixie, modules are in /usr/lib.
    depmod -b "$1" "$version"
}

update_lists
package=$(newest_package)
[ -n "$package" ] || fail "$cpu: no kernel package for flavour '$flavour'"
version=${package#linux-image-}
if [ $# -gt 2 ]; then
    [ ! -e "$3" ] || fail "$3 is there already"
    fetch "$3"
    exit 0
fi
package_version=$(cross_apt apt-cache show "$package" | sed -n 's/^Version: //p' | head -n 1)
key=$( (echo "$package $package_version" && cat "$project/cross/init.c" "$project/cross/initrd.sh" "$cpu_rows/$cpu" "$0") | sha256sum | cut -c1-12)
result=$kernel_folder-$key
if [ ! -d "$result" ]; then
    say "$cpu: making kernel and initramfs from $package $package_version"
    work=$(mktemp -d "$cpu_cache/kernel.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    fetch "$work/tree"
    mkdir "$work/result"
    make_initrd "$work/tree" "$version" "$work/initrd" "$work/result/initrd"
    image=$work/tree/boot/vmlinuz-$version
    if [ -n "$zimage_load_address" ]; then
        unpack_zimage "$image" "$work/result/kernel"
    else
        cp "$image" "$work/result/kernel"
    fi
    echo "$version" >"$work/result/version"
    chmod 755 "$work/result"
    rm -rf "$kernel_folder"-????????????
    mv "$work/result" "$result"
fi
ln -sfn "$(basename "$result")" "$kernel_folder"
echo "$result"
