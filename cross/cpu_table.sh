# shellcheck shell=sh
# The table of CPUs: each file of cross/cpus is the row of the CPU that it is named after. Sourced by scripts/common.sh and
# cross/common.sh, which set `cpu_rows`, the folder, and `fail`; POSIX. Columns:
#   machines             what `uname -m` says there, as a pattern
#   triplet              of the compiler and of library folders, as GNU and Debian name them
#   debian_architecture
# and for CPUs that other machines build for and emulate:
#   loader_name          libc's loader
#   root_packages        packages of a guest's root that not every CPU has
#   default_flavour      of Debian's kernel packages
#   zimage_load_address  where a kernel that comes as zImage goes in QEMU's memory; empty: it comes as it is
#   qemu                 qemu-system-<qemu>, qemu-<qemu>-static
#   qemu_package         of qemu-system-<qemu>
#   qemu_machine         its -M
#   qemu_model           its -cpu
#   console              the first serial port
#   timer                node and property of the device tree that hold the frequency of the CPU's timer
#   timer_hertz          that frequency in QEMU
#   elf_class            1: 32 bits, 2: 64 bits
#   elf_machine          e_machine (elf(5))
#   frame_models         QEMU's models whose signal frames differ (cross/check)

all_cpus() { (cd "$cpu_rows" && ls); }

# The CPUs that other machines build for and emulate.
guest_cpus() { (cd "$cpu_rows" && grep -l '^qemu=' -- *); }

# load_cpu CPU: sets `cpu` and the columns of its row.
load_cpu() {
    [ -f "$cpu_rows/$1" ] || fail "unknown CPU '$1'; known: $(all_cpus | tr '\n' ' ')"
    cpu=$1
    root_packages='' zimage_load_address=''
    . "$cpu_rows/$1"
}

# Debian's packages of the compilers for every CPU of guests, and of their emulators: COLUMN is compilers or emulators.
guest_packages() {
    for each in $(guest_cpus); do
        (
            load_cpu "$each"
            name=$(echo "$triplet" | tr _ -)
            case $1 in
                compilers) echo "gcc-$name g++-$name" ;;
                emulators) echo "$qemu_package" ;;
            esac
        )
    done | sort -u
}
