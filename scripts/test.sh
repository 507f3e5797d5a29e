#!/bin/sh
# `npm test`: sets everything up, checks the style of all code, then runs the tests in one run of AVA. Arguments go to AVA
# (files, --match). THAW_TEST chooses the parts, with commas between them (default: all):
#   host     this machine's CPU
#   user     both ARM CPUs under QEMU user emulation
#   system   both ARM CPUs in QEMU guests
#   all      these three
set -eu
. "$(dirname "$0")/common.sh"

parts=$(echo "${THAW_TEST:-all}" | tr , ' ')
for part in $parts; do
    case $part in
        host | user | system) ;;
        all) parts='host user system' ;;
        *) fail "THAW_TEST is '$THAW_TEST'; accepted: host, user, system, or several with commas between them; all" ;;
    esac
done
[ -n "$parts" ] || fail "THAW_TEST names no part; accepted: host, user, system, all"

wanted() {
    case " $parts " in
        *" $1 "*) ;;
        *) return 1 ;;
    esac
}

format_is_right() { native_sources | xargs clang-format --dry-run -Werror; }

prepare_host() {
    step "building the test apps" make --silent -C test/apps -j "$(nproc)" CPU="$host_cpu"
    step "building the image reader under sanitizers" make --silent -C test/image_check -j "$(nproc)"
}

# What both kinds of emulation need: the packages, the builds, the roots.
prepare_arm() {
    step "Debian packages for ARM" cross/setup.sh
    sh scripts/build-native.sh all
    step "building the test apps for aarch64" make --silent -C test/apps -j "$(nproc)" CPU=aarch64 CC=aarch64-linux-gnu-gcc MUSL_CC=
    step "building the test apps for armv7" make --silent -C test/apps -j "$(nproc)" CPU=armv7 CC=arm-linux-gnueabihf-gcc MUSL_CC=
    step "making the aarch64 guest" cross/guest.sh make aarch64
    step "making the armv7 guest" cross/guest.sh make armv7
}

# The image reader with checks for undefined behaviour, for emulation.
prepare_user() {
    step "building the image reader for aarch64" make --silent -C test/image_check -j "$(nproc)" CPU=aarch64 CXX=aarch64-linux-gnu-g++
    step "building the image reader for armv7" make --silent -C test/image_check -j "$(nproc)" CPU=armv7 CXX=arm-linux-gnueabihf-g++
}

sh scripts/setup.sh
step "checking TypeScript's style (prettier, eslint, tsc)" npm run --silent lint
step "checking native code's format (clang-format)" format_is_right
if wanted host; then prepare_host; fi
if wanted user || wanted system; then prepare_arm; fi
if wanted user; then prepare_user; fi
say "running the tests: $(echo "$parts" | sed 's/ /, /g')"
# Files named by the caller are taken as they are; else those of the parts that are not wanted are left out.
case " $*" in
    *.test.js*) ;;
    *)
        set -- 'dist/test/**/*.test.js' "$@"
        for part in user system; do
            wanted "$part" || set -- "!dist/test/$part/**" "$@"
        done
        wanted host || set -- '!dist/test/bench/**' '!dist/test/engine/**' '!dist/test/launcher/**' '!dist/test/profiles/**' "$@"
        ;;
esac
exec npx --no-install ava "$@"
