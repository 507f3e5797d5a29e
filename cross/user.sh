#!/bin/bash
# user.sh CPU COMMAND [ARGS...]: runs COMMAND in the guest's root under user emulation, with the project at its own path. Its
# programs may execute others (emulated.sh).
# No ptrace, clone3, userfaultfd or PR_SET_MM there: for what needs none of them, in a tenth of a guest's time.
set -euo pipefail
. "$(dirname "$0")/common.sh"
[ $# -ge 2 ] || fail "usage: user.sh CPU COMMAND [ARGS...]"
use_cpu "$1"
shift
[ -e "$cpu_cache/root.squashfs" ] || "$project/cross/root.sh" "$cpu" >/dev/null
image=$(realpath "$cpu_cache/root.squashfs")
root=${image%.squashfs}
if [ ! -d "$root" ]; then
    say "$cpu: unpacking the root"
    rm -rf "$cpu_cache"/root-????????????
    unsquashfs -quiet -no-progress -d "$root.new" "$image" >/dev/null
    mv "$root.new" "$root"
fi
mkdir -p "$root$project"

inside='
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs tmpfs "$root/tmp"
    mkdir -p "$root$project"   # It may lie below /tmp.
    mount --rbind "$project" "$root$project"
    exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C THAW_LOG="${THAW_LOG:-warn}" \
        /bin/sh -c '\''cd "$1" && shift && exec "$@"'\'' sh "$project" "$@"
'
export root project
exec "$project/cross/emulated.sh" "$cpu" sh -euc "$inside" sh "$@"
