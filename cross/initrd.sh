# shellcheck shell=bash
# Makes the initramfs of a guest; sourced after use_cpu.

# What a guest needs before its root is mounted, and what its kernel should be able to do afterwards.
guest_modules=(virtio_mmio virtio_blk virtio_console virtio_net loop squashfs erofs overlay ext4 9p 9pnet_virtio
    inet_diag tcp_diag udp_diag unix_diag af_packet_diag netlink_diag nf_tables zram)

# Files of the modules that there are, each after those that it needs.
module_files() {
    local module
    for module in "${guest_modules[@]}"; do
        modprobe -d "$1" -S "$2" --show-depends "$module" 2>/dev/null || true
    done | sed -nE 's/^insmod ([^ ]+).*/\1/p' | awk '!seen[$0]++'
}

# make_initrd TREE VERSION STAGE FILE: the initramfs of a kernel whose modules are in TREE/lib/modules/VERSION. Without TREE: of one
# that has all that a guest needs built in.
make_initrd() {
    local tree=$1 version=$2 root=$3 to=$4 count=100 file
    mkdir -p "$root/modules" "$root/dev" "$root/new"
    "${cross_prefix}gcc" -std=c11 -O2 -Wall -Wextra -Werror -static -s -o "$root/init" "$project/cross/init.c"
    [ -z "$tree" ] || module_files "$tree" "$version" | while read -r file; do
        # The kernel unpacks modules only if it was built for that.
        case $file in
            *.xz) xz -dc "$file" >"$root/modules/$count-$(basename "$file" .xz)" ;;
            *.gz) gzip -dc "$file" >"$root/modules/$count-$(basename "$file" .gz)" ;;
            *.zst) zstd -qdc "$file" >"$root/modules/$count-$(basename "$file" .zst)" ;;
            *) cp "$file" "$root/modules/$count-$(basename "$file")" ;;
        esac
        count=$((count + 1))
    done
    (cd "$root" && find . | LC_ALL=C sort | cpio -o -H newc --quiet -R 0:0) >"$to"
}
