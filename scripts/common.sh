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

# step TEXT COMMAND...: says what is being done, does it, and says how long it took. The command's output is shown only if
# it fails, or with THAW_VERBOSE=1.
step() {
    step_text=$1
    shift
    step_start=$(date +%s%N)
    if [ "${THAW_VERBOSE:-0}" = 1 ]; then
        say "$step_text"
        "$@" || fail "$step_text: failed"
    else
        printf '[thaw] %s ...' "$step_text"
        step_log=$(mktemp)
        if ! "$@" >"$step_log" 2>&1; then
            printf ' failed\n'
            cat "$step_log" >&2
            rm -f "$step_log"
            fail "$step_text: failed"
        fi
        rm -f "$step_log"
    fi
    step_ms=$((($(date +%s%N) - step_start) / 1000000))
    printf ' %d.%d s\n' $((step_ms / 1000)) $((step_ms % 1000 / 100))
}

fail() {
    printf '[thaw] %s\n' "$*" >&2
    exit 1
}
