#!/bin/bash
# root.sh CPU: makes a guest's root file system from Debian packages, as a squashfs, and prints its path. Packages are only
# unpacked: nothing of them runs, so no emulation is needed. Quick when the newest is there already.
# root.sh CPU --init systemd: the same with systemd as its first program and D-Bus's system bus.
# root.sh CPU --init systemd --with NAME: and with the packages that cross/with/NAME lists.
# root.sh CPU DIR PACKAGE...: makes a device's root in the new folder DIR, from these packages and what they depend on alone.
set -euo pipefail
. "$(dirname "$0")/common.sh"
use_cpu "$1"
. "$project/cross/apt.sh"
. "$project/cross/unpack.sh"

# shellcheck disable=SC2206 # one word per package
packages=(base-files libc6 libatomic1 bash dash coreutils findutils grep sed gawk tar gzip hostname util-linux mount procps
    iproute2 kmod strace curl ca-certificates nodejs python3 redis-server redis-tools nginx-light e2fsprogs $root_packages)

# What its own packages would have done when they were installed; nothing that waits for devices, as there is no udev.
finish_systemd() {
    local units=$1/usr/lib/systemd/system etc=$1/etc/systemd/system unit
    # Made anew at each boot, and no first boot, at which all services would be enabled.
    : >"$1/etc/machine-id"
    printf 'messagebus:x:101:101::/nonexistent:/usr/sbin/nologin\n' >>"$1/etc/passwd"
    printf 'messagebus:x:101:\nadm:x:4:\nsystemd-journal:x:999:\n' >>"$1/etc/group"
    printf 'hosts: files\npasswd: files systemd\ngroup: files systemd\n' >"$1/etc/nsswitch.conf"
    mkdir -p "$etc" "$1/etc/systemd/system-generators"
    ln -sfn /dev/null "$1/etc/systemd/system-generators/systemd-getty-generator"
    for unit in getty.target systemd-timesyncd.service systemd-logind.service systemd-update-utmp.service; do
        ln -sfn /dev/null "$etc/$unit"
    done
    install -m 644 "$project/cross/guest.service" "$units/guest.service"
    printf '[Unit]\nRequires=multi-user.target guest.service\nAfter=multi-user.target\n' >"$units/guest.target"
    ln -sfn "/usr/lib/systemd/system/guest.target" "$etc/default.target"
}

write_accounts() {
    mkdir -p "$1/etc"
    printf '%s\n' root:x:0:0:root:/root:/bin/bash kiosk:x:1000:1000:kiosk:/home/kiosk:/bin/bash \
        www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin nobody:x:65534:65534:nobody:/:/usr/sbin/nologin >"$1/etc/passwd"
    printf '%s\n' root:x:0: tty:x:5: www-data:x:33: kiosk:x:1000: nogroup:x:65534: >"$1/etc/group"
}

# Without these, each start of Python compiles all that it imports. The host's Python can, if it is of the same version.
compile_python() {
    local library
    for library in "$1"/usr/lib/python3.*; do
        "$(basename "$library")" -m compileall -q -j 2 -s "$1" -p / "$library" >/dev/null 2>&1 ||
            say "$cpu: $(basename "$library") of this machine cannot compile the root's modules: Python will start slowly there"
    done
}

# What packages have made of the files of all: alike for all CPUs, so this machine's programs do it.
index_shared_files() {
    [ ! -d "$1/usr/share/mime/packages" ] || XDG_DATA_DIRS=$1/usr/share update-mime-database "$1/usr/share/mime"
    [ ! -d "$1/usr/share/glib-2.0/schemas" ] || glib-compile-schemas "$1/usr/share/glib-2.0/schemas"
}

# What the maintainer scripts of the packages would have made.
finish() {
    mkdir -p "$1"/{dev,proc,sys,run,tmp,root,home,data,share,in,out}
    chmod 1777 "$1/tmp"
    write_accounts "$1"
    printf '127.0.0.1 localhost\n::1 localhost\n' >"$1/etc/hosts"
    printf 'hosts: files\npasswd: files\ngroup: files\n' >"$1/etc/nsswitch.conf"
    ln -sf gawk "$1/usr/bin/awk"
    compile_python "$1"
    index_shared_files "$1"
    rm -rf "$1"/usr/share/{doc,man,locale,info,lintian,bug}
    install -m 755 "$project/cross/guest-init" "$1/usr/sbin/guest-init"
}

# A device's root: what `thaw build --target` may be tried on.
make_device_root() {
    local to=$1 folder
    shift
    [ ! -e "$to" ] || fail "$to is there already"
    resolve "$@" >"$list"
    [ -s "$list" ] || fail "$cpu: apt cannot resolve: $*"
    mkdir -p "$archives/partial"
    download "$archives" "$@"
    unpack "$list" "$to"
    for folder in dev proc sys run root var/lib; do mkdir -p "$to/$folder"; done
    install -d -m 1777 "$to/tmp"
    write_accounts "$to"
    rm -rf "$to"/usr/share/{doc,man,locale,info,lintian,bug}
}

update_lists
archives=$cpu_cache/archives
list=$(mktemp)
work=
trap 'rm -rf "$list" ${work:+"$work"}' EXIT
kind=root
if [ "${2:-}" = --init ]; then
    [ "${3:-}" = systemd ] || fail "there is no root with '${3:-}'; --init takes systemd"
    kind=root-systemd
    packages+=(systemd libnss-systemd dbus libc-bin)
    if [ "${4:-}" = --with ]; then
        [ -f "$project/cross/with/${5:-}" ] || fail "there are no packages called '${5:-}': $(ls "$project/cross/with")"
        kind+=-$5
        # shellcheck disable=SC2207 # one word per package
        packages+=($(grep -v '^#' "$project/cross/with/$5"))
    fi
elif [ $# -gt 1 ]; then
    make_device_root "${@:2}"
    exit 0
fi
resolve "${packages[@]}" >"$list"
[ -s "$list" ] || fail "$cpu: apt cannot resolve the packages of the root"
key=$(cat "$list" "$project/cross/guest-init" "$project/cross/guest.service" "$0" | sha256sum | cut -c1-12)
result=$cpu_cache/$kind-$key.squashfs
if [ ! -e "$result" ]; then
    say "$cpu: making the root from $(wc -l <"$list") packages"
    mkdir -p "$archives/partial"
    download "$archives" "${packages[@]}"
    work=$(mktemp -d "$cpu_cache/root.XXXXXX")
    unpack "$list" "$work/root"
    finish "$work/root"
    [ "$kind" = root ] || finish_systemd "$work/root"
    mksquashfs "$work/root" "$work/root.squashfs" -comp lz4 -all-root -no-progress -quiet >/dev/null
    rm -f "$cpu_cache/$kind"-????????????.squashfs
    mv "$work/root.squashfs" "$result"
fi
ln -sfn "$(basename "$result")" "$cpu_cache/$kind.squashfs"
echo "$result"
