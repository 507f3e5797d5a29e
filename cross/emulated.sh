#!/bin/bash
# emulated.sh [--all-ids] CPU COMMAND [ARGS...]: runs COMMAND in namespaces of its own, where programs of that CPU can be executed:
# QEMU's user emulation is registered for them there, and the machine is not changed.
# --all-ids: files may belong to others than root, as in a root that packages are installed in; only for root.
set -euo pipefail
. "$(dirname "$0")/common.sh"
usage='usage: emulated.sh [--all-ids] CPU COMMAND [ARGS...]'
ids=own
if [ "${1:-}" = --all-ids ]; then
    ids=all
    shift
fi
[ $# -ge 2 ] || fail "$usage"
use_cpu "$1"
shift
# ELF header up to e_machine, and the bits of it that tell (binfmt_misc: magic and mask).
magic=$(printf '\\x7fELF\\x%02x\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\x%02x\\x00' "$elf_class" "$elf_machine")
mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
emulator=$(command -v "$emulator") || fail "$emulator is not installed; run cross/setup.sh"
export magic mask emulator

# F: the kernel keeps the emulator open, so that it is found from within a root.
register='
    mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
    printf ":thaw:M::%s:%s:%s:F" "$magic" "$mask" "$emulator" >/proc/sys/fs/binfmt_misc/register
    exec "$@"
'
alone=(unshare --mount --pid --fork --kill-child --mount-proc sh -euc "$register" sh "$@")
[ "$ids" = all ] || exec unshare --user --map-root-user "${alone[@]}"

# Only who is outside can give a namespace more ids than its maker's. Opening a FIFO waits for the other side.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkfifo "$folder/made" "$folder/mapped"
# shellcheck disable=SC2016 # for the shell inside
unshare --user sh -euc ': >"$0/made"; : <"$0/mapped"; exec "$@"' "$folder" "${alone[@]}" &
: <"$folder/made"
for map in uid_map gid_map; do echo '0 0 65536' >"/proc/$!/$map"; done
: >"$folder/mapped"
wait $!
