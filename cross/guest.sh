#!/bin/bash
# Guests of other CPUs under QEMU, made of Debian packages: see usage() below.
set -euo pipefail
. "$(dirname "$0")/common.sh"

usage() {
    cat <<END
cross/guest.sh make  CPU [--kernel FLAVOUR]                 make kernel and root image (done by run and shell when absent)
cross/guest.sh run   CPU [OPTIONS] [--] COMMAND [ARGS...]   boot, run COMMAND as root, end with its exit status
cross/guest.sh shell CPU [OPTIONS]                          boot to a shell on this terminal

CPU: $(guest_cpus | xargs | sed 's/ / or /'). OPTIONS:
  --kernel FLAVOUR    Debian's arm64, cloud-arm64; armmp, armmp-lpae; of another release: trixie/arm64 (arm64, armmp)
  --kernel FILE       a kernel as it was built for a device. It needs virtio (mmio, blk, console), overlayfs, squashfs and the
                      root's file system, built in or as modules
  --modules DIR       the modules of that kernel: .../lib/modules/VERSION
  --in DIR            its files are in /in of the guest
  --out DIR           gets the files that COMMAND leaves in /out
  --init systemd      systemd is the first program, with D-Bus's system bus: COMMAND runs when all that starts at boot has started
  --with NAME         the packages of cross/with/NAME as well, in a root of their own; only with --init
  --changes FILE      ext4 image that gets what is changed in the root, and a later guest has it again: a reboot
  --data FILE         ext4 image on /data, kept between guests; made if it is not there (2 GB, sparse)
  --share DIR         DIR itself on /share (9p; not with cloud-arm64). What changes in DIR meanwhile may not be seen in the guest
  --root FILE         another root image (squashfs, erofs or ext4): a device's own; it needs nothing, as the guest's tools are
                      on a disk of their own (cross/tools.sh), and COMMAND finds them after the root's own programs
  --net user          a network card, behind which this machine is 10.0.2.2
  --user NAME         run COMMAND as this user: root, kiosk                  (root)
  --model MODEL       QEMU's -cpu                                            (qemu_model of cross/cpus/CPU)
  --cpus N            2; ARMv7 boots faster with 1                           (2)
  --memory MB                                                               (2048)
  --clock SECONDS     the guest's CLOCK_REALTIME at boot                     (now)
  --slow-clock N      the guest's clocks run N times slower than the host's: what an emulated CPU does in a second then looks like
                      what a CPU as fast as a device's does, and an image's clocks stay low; 1/N: faster (1)
  --ns-per-instruction N   1, 2, 4, 8: the guest's clocks count its instructions while it works, so that its times do not depend on
                      how busy this machine is; one CPU
  --timeout SECONDS   end the guest after this time, status 124              (120)
  --keep-console FILE copy of the guest's console output
The console of a guest that did not end properly is printed, and the status is 125.
END
}

parse() {
    flavour=$default_flavour
    tools='' net='' init='' with='' changes='' modules='' slow_clock=1 instruction_ns='' in='' out='' data='' share='' root='' user=root cpus=2 memory=2048 clock=$(date +%s) timeout=120 console_copy=''
    model=$qemu_model
    while [ $# != 0 ]; do
        case $1 in
            --net | --init | --with | --changes | --kernel | --modules | --slow-clock | --ns-per-instruction | --in | --out | --data | --share | --root | --user | --model | --cpus | --memory | --clock | --timeout | --keep-console)
                [ $# -ge 2 ] || fail "$1 needs a value"
                ;;
        esac
        case $1 in
            --kernel) flavour=$2 ;;
            --modules) modules=$2 ;;
            --slow-clock) slow_clock=$2 ;;
            --ns-per-instruction) instruction_ns=$2 ;;
            --in) in=$2 ;;
            --out) out=$2 ;;
            --net) net=$2 ;;
            --init) init=$2 ;;
            --with) with=$2 ;;
            --changes) changes=$2 ;;
            --data) data=$2 ;;
            --share) share=$2 ;;
            --root) root=$2 ;;
            --user) user=$2 ;;
            --model) model=$2 ;;
            --cpus) cpus=$2 ;;
            --memory) memory=$2 ;;
            --clock) clock=$2 ;;
            --timeout) timeout=$2 ;;
            --keep-console) console_copy=$2 ;;
            --)
                shift
                break
                ;;
            -*) fail "unknown option '$1'" ;;
            *) break ;;
        esac
        shift 2
    done
    command=("$@")
    case $net in '' | user) ;; *) fail "--net takes user" ;; esac
    case $init in '' | systemd) ;; *) fail "--init takes systemd" ;; esac
    [ -z "$init" ] || [ -z "$root" ] || fail "--init is for the guest's own root, not for --root"
    case $instruction_ns in
        '') icount='' ;;
        1) icount=shift=0 ;;
        2) icount=shift=1 ;;
        4) icount=shift=2 ;;
        8) icount=shift=3 ;;
        *) fail "--ns-per-instruction takes 1, 2, 4 or 8" ;;
    esac
    [ -z "$with" ] || [ -n "$init" ] || fail "--with needs --init"
}

# A device's kernel: its initramfs is made for this guest.
use_kernel_file() {
    . "$project/cross/initrd.sh"
    local tree='' version=''
    if [ -n "$modules" ]; then
        [ -e "$modules/modules.dep" ] || fail "$modules holds no modules.dep; name .../lib/modules/VERSION, and run depmod on it"
        version=$(basename "$modules")
        tree=$(cd "$modules/../../.." && pwd)
    fi
    kernel_folder=$work/kernel
    mkdir "$kernel_folder"
    ln -s "$(realpath "$flavour")" "$kernel_folder/kernel"
    make_initrd "$tree" "$version" "$work/initrd" "$kernel_folder/initrd"
}

make_guest() { # [newest]
    if [ -f "$flavour" ]; then
        use_kernel_file
    else
        use_flavour "$flavour"
        [ -e "$kernel_folder/kernel" ] && [ "${1:-}" != newest ] || "$project/cross/kernel.sh" "$cpu" "$flavour" >/dev/null
    fi
    local made=root${init:+-$init}${with:+-$with}
    [ -n "$root" ] || { [ -e "$cpu_cache/$made.squashfs" ] && [ "${1:-}" != newest ]; } ||
        "$project/cross/root.sh" "$cpu" ${init:+--init "$init"} ${with:+--with "$with"} >/dev/null
    if [ -n "$root" ]; then
        tools=$cpu_cache/tools.squashfs
        [ -e "$tools" ] || "$project/cross/tools.sh" "$cpu" >/dev/null
    fi
    root=${root:-$cpu_cache/$made.squashfs}
}

disk() { # SERIAL FILE OPTIONS
    arguments+=(-drive "if=none,id=$1,file=$2,format=raw,$3" -device "virtio-blk-device,drive=$1,serial=$1")
}

port() { # NAME FILE
    arguments+=(-chardev "file,id=$1,path=$2" -device "virtserialport,chardev=$1,name=$1")
}

# The command as a script of one line, whatever its words contain, and the files that it is given.
write_in_disk() {
    local stage=$work/stage
    local shell=/bin/bash setpriv=setpriv
    # Paths, as busybox's shell prefers its own programs of these names.
    [ -z "$tools" ] || shell='/run/guest/tools/bin/busybox sh' setpriv=/run/guest/tools/bin/setpriv
    mkdir -p "$stage/run/guest"
    if [ ${#command[@]} != 0 ]; then
        {
            printf '#!%s\n' "$shell"
            if [ "$user" != root ]; then
                printf 'cd ~%q && export HOME=~%q USER=%q\n' "$user" "$user" "$user"
                printf 'exec %s --reuid=%q --regid=%q --init-groups -- ' "$setpriv" "$user" "$user"
            else
                printf 'exec '
            fi
            printf '%q ' "${command[@]}"
            printf '\n'
        } >"$stage/run/guest/command"
        chmod 755 "$stage/run/guest/command"
    fi
    local parts=(-C "$stage" run)
    [ -z "$in" ] || parts+=(--transform 's,^\./,in/,;s,^\.$,in,' -C "$(cd "$in" && pwd)" .)
    tar -cf "$work/in.tar" --owner=0 --group=0 "${parts[@]}"
}

kept_disk() { # SERIAL FILE
    [ -n "$2" ] || return 0
    if [ ! -e "$2" ]; then
        truncate -s 2G "$2"
        mke2fs -q -t ext4 -E lazy_itable_init=1 "$2"
    fi
    disk "$1" "$2" cache=unsafe
}

# initcalls: self-tests and built-in keys that take seconds under emulation and that nothing here needs.
kernel_arguments() {
    printf '%s ' "console=$console" quiet panic=-1 cryptomgr.notests random.trust_bootloader=on "thaw.now=$clock" \
        initcall_blacklist=init_kprobe_trace,load_system_certificate_list,crypto_kdf108_init,cubictcp_register \
        ${init:+thaw.init=/lib/systemd/systemd} ${extra_kernel_arguments:-}
}

build_arguments() {
    local kernel=$kernel_folder threads=multi
    [ -z "$icount" ] || threads=single cpus=1
    # shellcheck disable=SC2054 # commas are QEMU's
    arguments=(-M "$qemu_machine" -accel "tcg,thread=$threads" -cpu "$model" -smp "$cpus" -m "$memory" -nodefaults -no-reboot -display none
        -kernel "$kernel/kernel" -initrd "$kernel/initrd" -append "$(kernel_arguments)"
        -object rng-random,id=rng,filename=/dev/urandom -device virtio-rng-device,rng=rng
        -device virtio-serial-device)
    disk root "$root" readonly=on,cache=unsafe
    disk in "$work/in.tar" readonly=on
    [ -z "$tools" ] || disk tools "$tools" readonly=on,cache=unsafe
    kept_disk data "$data"
    kept_disk changes "$changes"
    # shellcheck disable=SC2054
    [ -z "$icount" ] || arguments+=(-icount "$icount")
    # shellcheck disable=SC2054
    [ -z "$net" ] || arguments+=(-netdev user,id=net -device virtio-net-device,netdev=net)
    # shellcheck disable=SC2054
    [ -z "$share" ] || arguments+=(-fsdev "local,id=share,path=$share,security_model=none,multidevs=remap"
        -device virtio-9p-device,fsdev=share,mount_tag=share)
}

# The kernel takes the frequency of the CPU's timer from the device tree, if that names one: a higher one makes its seconds longer.
slow_the_clock() {
    [ "$slow_clock" != 1 ] || return 0
    local tree=$work/devices.dtb
    "qemu-system-$qemu" "${arguments[@]}" -machine "dumpdtb=$tree" >"$work/qemu.log" 2>&1 </dev/null ||
        fail "QEMU does not start: $(cat "$work/qemu.log")"
    # shellcheck disable=SC2086 # node and property
    fdtput -t i "$tree" $timer $((timer_hertz * $slow_clock)) ||
        fail "cannot change the guest's device tree; is device-tree-compiler installed? cross/setup.sh installs it"
    arguments+=(-dtb "$tree")
}

run_guest() {
    [ ${#command[@]} != 0 ] || fail "run needs a command"
    build_arguments
    slow_the_clock
    mkfifo "$work/stdout" "$work/stderr"
    : >"$work/status"
    port stdout "$work/stdout"
    port stderr "$work/stderr"
    port status "$work/status"
    if [ -n "$out" ]; then
        truncate -s 4G "$work/out.tar"
        disk out "$work/out.tar" cache=unsafe
    fi
    arguments+=(-chardev "file,id=console,path=$work/console" -serial chardev:console)
    cat "$work/stdout" &
    local readers=($!)
    cat "$work/stderr" >&2 &
    readers+=($!)
    local ended=0
    timeout --foreground "$timeout" "qemu-system-$qemu" "${arguments[@]}" </dev/null 2>"$work/qemu.log" || ended=$?
    # QEMU that did not start has never opened the pipes.
    if [ "$ended" != 0 ]; then kill "${readers[@]}" 2>/dev/null || true; fi
    wait "${readers[@]}" 2>/dev/null || true
    [ -z "$console_copy" ] || cp "$work/console" "$console_copy" 2>/dev/null || true
    if [ "$ended" = 124 ]; then
        say "$cpu guest: ended after $timeout s; its console:"
        cat "$work/console" >&2
        return 124
    fi
    local status
    status=$(cat "$work/status")
    if [ "$ended" != 0 ] || [ -z "$status" ]; then
        say "$cpu guest: it did not end properly (QEMU: $ended); its console:"
        cat "$work/qemu.log" "$work/console" >&2 2>/dev/null || true
        return 125
    fi
    if [ -n "$out" ]; then
        mkdir -p "$out"
        tar -xf "$work/out.tar" -C "$out"
    fi
    return "$status"
}

shell_guest() {
    extra_kernel_arguments="thaw.shell ${extra_kernel_arguments:-}"
    build_arguments
    "qemu-system-$qemu" "${arguments[@]}" -chardev stdio,id=console,signal=off -serial chardev:console
}

[ $# -ge 2 ] || { usage >&2; exit 2; }
action=$1
use_cpu "$2"
shift 2
parse "$@"

work=$(mktemp -d "${TMPDIR:-/tmp}/thaw-guest.XXXXXX")
trap 'rm -rf "$work"' EXIT
case $action in
    make)
        make_guest newest
        exit 0
        ;;
    run | shell) make_guest ;;
    *) usage >&2; exit 2 ;;
esac
write_in_disk
"${action}_guest"
