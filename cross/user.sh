#!/bin/bash
# user.sh CPU COMMAND [ARGS...]: runs COMMAND in the guest's root under user emulation, with the project at its own path. Its
# programs may execute others: QEMU is registered for that CPU's programs in a namespace of its own, the machine is not changed.
# No ptrace, clone3, userfaultfd or PR_SET_MM there: for what needs none of them, in a tenth of a guest's time.
set -euo pipefail
. "$(dirname "$0")/common.sh"
[ $# -ge 2 ] || fail "usage: user.sh CPU COMMAND [ARGS...]"
use_cpu "$1"
shift
# ELF header up to e_machine, and the bits of it that tell (binfmt_misc: magic and mask).
magic=$(printf '\\x7fELF\\x%02x\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\x%02x\\x00' "$elf_class" "$elf_machine")
mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'

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

# F: the kernel keeps the emulator open, so that it is found from within the root.
inside='
    mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
    printf ":thaw:M::%s:%s:%s:F" "$magic" "$mask" "$emulator" >/proc/sys/fs/binfmt_misc/register
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs tmpfs "$root/tmp"
    mkdir -p "$root$project"   # It may lie below /tmp.
    mount --rbind "$project" "$root$project"
    exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C THAW_LOG="${THAW_LOG:-warn}" \
        /bin/sh -c '\''cd "$1" && shift && exec "$@"'\'' sh "$project" "$@"
'
emulator=$(command -v "$emulator") || fail "$emulator is not installed; run cross/setup.sh"
export magic mask emulator root project
exec unshare --user --map-root-user --mount --pid --fork --kill-child sh -euc "$inside" sh "$@"
