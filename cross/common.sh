# shellcheck shell=bash
# Shared by the scripts of this folder; sourced, not run. Sets `project` and `cache`.
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${THAW_CROSS_CACHE:-$project/build/cross-cache}

say() { printf '[thaw] %s\n' "$*" >&2; }

fail() {
    printf '[thaw] %s\n' "$*" >&2
    exit 1
}

cpu_rows=$project/cross/cpus
. "$project/cross/cpu_table.sh"

# use_cpu CPU: sets what differs between the CPUs that guests can be, and `cpu_cache`, the folder of what is made for this one.
use_cpu() {
    guest_cpus | grep -qx -- "$1" || fail "no guest is a '$1': $(guest_cpus | tr '\n' ' ')"
    load_cpu "$1"
    cross_prefix=$triplet-
    emulator=qemu-$qemu-static
    cpu_cache=$cache/$cpu
    mkdir -p "$cpu_cache"
}

# use_flavour FLAVOUR: a kernel of this machine's Debian ("arm64") or of another suite ("trixie/arm64-16k"). Sets suite (empty: this
# machine's), kernel_package and kernel_folder.
use_flavour() {
    suite='' kernel_package=linux-image-${1##*/}
    case $1 in */*) suite=${1%%/*} ;; esac
    kernel_folder=$cpu_cache/kernel-${1//\//-}
}
