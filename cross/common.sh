# Shared by the scripts of this folder; sourced, not run. Sets `project` and `cache`.
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${THAW_CROSS_CACHE:-$project/build/cross-cache}

say() { printf '[thaw] %s\n' "$*" >&2; }

fail() {
    printf '[thaw] %s\n' "$*" >&2
    exit 1
}

# use_cpu CPU: sets what differs between CPUs.
use_cpu() {
    cpu=$1
    case $cpu in
        aarch64)
            debian_architecture=arm64
            cross_prefix=aarch64-linux-gnu-
            default_flavour=arm64
            multiarch=aarch64-linux-gnu
            loader_name=ld-linux-aarch64.so.1
            emulator=qemu-aarch64-static
            ;;
        armv7)
            debian_architecture=armhf
            cross_prefix=arm-linux-gnueabihf-
            default_flavour=armmp
            multiarch=arm-linux-gnueabihf
            loader_name=ld-linux-armhf.so.3
            emulator=qemu-arm-static
            ;;
        *) fail "unknown CPU '$cpu': aarch64 or armv7" ;;
    esac
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
