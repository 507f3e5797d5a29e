# shellcheck shell=sh
# Shared by the scripts here; sourced, not run: by a script of this folder, or by a shell that stands in the project's folder
# or in this one.
# Sets `root`, the project's folder, and goes there.
case $0 in
    */*) root=$(cd "$(dirname "$0")/.." && pwd) ;;
    *) if [ -e common.sh ]; then root=$(cd .. && pwd); else root=$PWD; fi ;;
esac
cd "$root" || exit 1

say() { printf '[thaw] %s\n' "$*"; }

fail() {
    printf '[thaw] %s\n' "$*" >&2
    exit 1
}

cpu_rows=$root/cross/cpus
. "$root/cross/cpu_table.sh"

host_cpu=
for each in $(all_cpus); do
    load_cpu "$each"
    # shellcheck disable=SC2254 # a pattern
    case $(uname -m) in $machines) host_cpu=$each ;; esac
done
[ -n "$host_cpu" ] || fail "this CPU is not supported: $(uname -m)"

# step TEXT COMMAND...: says what is being done, does it, and says how long it took. The command's output is shown only if
# it fails, or with THAW_VERBOSE=1. A function used as COMMAND runs without `set -e`: it must return its failures itself.
step() {
    step_text=$1
    shift
    step_start=$(date +%s%N)
    if [ "${THAW_VERBOSE:-0}" = 1 ]; then
        say "$step_text"
        "$@" || fail "$step_text: failed"
        printf '[thaw] %s: done,' "$step_text"
    else
        printf '[thaw] %s ...' "$step_text"
        quietly "$@" || fail "$step_text: failed"
    fi
    step_ms=$((($(date +%s%N) - step_start) / 1000000))
    printf ' %d.%d s\n' $((step_ms / 1000)) $((step_ms % 1000 / 100))
}

quietly() {
    quiet_log=$(mktemp)
    quiet_status=0
    "$@" >"$quiet_log" 2>&1 || quiet_status=$?
    if [ "$quiet_status" != 0 ]; then
        echo
        cat "$quiet_log" >&2
    fi
    rm -f "$quiet_log"
    return "$quiet_status"
}

# Whether /dev/null is the device, for all to write (null(4)).
null_is_right() { [ "$(LC_ALL=C stat -c '%F %a %t:%T' /dev/null)" = 'character special file 666 1:3' ]; }

# Every shell script of the project, one per line.
shell_scripts() {
    git ls-files -co --exclude-standard '*.sh' cross/guest-build cross/guest-init
}

# Every C and C++ file of the project, one per line.
native_sources() {
    git ls-files -co --exclude-standard 'native/*.cc' 'native/*.h' 'native/*.c' 'bench/*.c' 'bench/*.h' 'cross/*.c' 'cross/*.cc' 'test/*.cc' 'test/*.h' 'test/*.c'
}
