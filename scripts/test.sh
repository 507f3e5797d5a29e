#!/bin/sh
# `npm test`: sets everything up, checks the style of all code, then runs the tests in one run of AVA. Arguments go to AVA
# (files, --match). THAW_TEST chooses the parts, with commas between them (default: the first three):
#   host     this machine's CPU
#   user     the CPUs of guests under QEMU user emulation
#   system   the same in QEMU guests
#   slow     of these, what takes minutes and tells little that is new: files that end in .slow.test.ts
#   all      these four; `npm run test:all`
set -eu
. "$(dirname "$0")/common.sh"

parts=$(echo "${THAW_TEST:-host,user,system}" | tr , ' ')
for part in $parts; do
    case $part in
        host | user | system | slow) ;;
        all) parts='host user system slow' ;;
        *) fail "THAW_TEST is '$THAW_TEST'; accepted: host, user, system, slow, or several with commas between them; all" ;;
    esac
done
[ -n "$parts" ] || fail "THAW_TEST names no part; accepted: host, user, system, slow, all"

wanted() {
    case " $parts " in
        *" $1 "*) ;;
        *) return 1 ;;
    esac
}

scripts_are_right() { shell_scripts | xargs -r shellcheck --severity=warning; }

format_is_right() { native_sources | xargs -r clang-format --dry-run -Werror; }

prepare_host() {
    step "building the test apps" make --silent -C test/apps -j "$(nproc)" CPU="$host_cpu"
    step "building the image reader under sanitizers" make --silent -C test/image_check -j "$(nproc)"
}

# What both kinds of emulation need: the packages, the builds, the roots.
prepare_guests() {
    step "Debian packages for guests" cross/setup.sh
    sh scripts/build-native.sh all
    for name in $(guest_cpus); do
        load_cpu "$name"
        musl=$(cross/musl.sh "$cpu")
        step "building the test apps for $cpu" make --silent -C test/apps -j "$(nproc)" CPU="$cpu" CC="$triplet-gcc" MUSL_CC= MUSL_STATIC_CC="$musl"
        step "making the $cpu guest" cross/guest.sh make "$cpu"
    done
}

# Set up under emulation, which takes minutes for the first time.
prepare_roots() {
    for name in $(guest_cpus); do
        step "making a fresh root of Debian for $name" sh scripts/debian-root.sh --cpu "$name"
    done
}

# The image reader with checks for undefined behaviour, for emulation.
prepare_readers() {
    for name in $(guest_cpus); do
        load_cpu "$name"
        step "building the image reader for $cpu" make --silent -C test/image_check -j "$(nproc)" CPU="$cpu" CXX="$triplet-g++"
    done
}

sh scripts/setup.sh
step "checking TypeScript's style (prettier, eslint, tsc)" npm run --silent lint
step "checking native code's format (clang-format)" format_is_right
step "checking the scripts (shellcheck)" scripts_are_right
node dist/scripts/tidy.js --changed --seconds 100
if wanted host; then prepare_host; fi
if wanted host && wanted slow; then step "making a fresh root of Debian" sh scripts/debian-root.sh; fi
if wanted user || wanted system; then prepare_guests; fi
if wanted user && wanted slow; then prepare_readers; fi
if wanted system && wanted slow && [ "$(id -u)" = 0 ]; then prepare_roots; fi
say "running the tests: $(echo "$parts" | sed 's/ /, /g')"
# Files named by the caller are taken as they are; else those of the parts that are not wanted are left out.
case " $*" in
    *.test.js*) ;;
    *)
        set -- 'dist/test/**/*.test.js' "$@"
        for part in user system; do
            wanted "$part" || set -- "!dist/test/$part/**" "$@"
        done
        wanted slow || set -- '!dist/test/**/*.slow.test.js' "$@"
        wanted host || set -- '!dist/test/docs/**' '!dist/test/bench/**' '!dist/test/engine/**' '!dist/test/launcher/**' '!dist/test/packages/**' '!dist/test/profiles/**' '!dist/test/session/**' "$@"
        ;;
esac
# Tests of apps of several processes raise it (test/engine/support/tree.ts).
pid_max=$(cat /proc/sys/kernel/pid_max)
status=0
npx --no-install ava "$@" || status=$?
[ "$(cat /proc/sys/kernel/pid_max)" = "$pid_max" ] || echo "$pid_max" >/proc/sys/kernel/pid_max
null_is_right || fail "a test has changed /dev/null: $(ls -l /dev/null 2>&1)"
exit "$status"
