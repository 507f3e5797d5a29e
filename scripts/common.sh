# Shared by the scripts here; sourced, not run. Sets `root`, the project's folder, and goes there.
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"

case $(uname -m) in
    x86_64) host_cpu=x86_64 ;;
    aarch64) host_cpu=aarch64 ;;
    armv7*) host_cpu=armv7 ;;
    *) echo "thaw: this CPU is not supported: $(uname -m)" >&2; exit 1 ;;
esac

say() { printf '[thaw] %s\n' "$*"; }

fail() {
    printf '[thaw] %s\n' "$*" >&2
    exit 1
}

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

# Every C and C++ file of the project, one per line.
native_sources() {
    git ls-files -co --exclude-standard 'native/*.cc' 'native/*.h' 'native/*.c' 'bench/*.c' 'bench/*.h' 'test/*.cc' 'test/*.h' 'test/*.c'
}
