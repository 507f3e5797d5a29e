#!/bin/sh
# `npm test`: sets everything up, checks the style of all code, then runs the tests. Arguments go to AVA (files, --match).
# THAW_TEST chooses the part: host (the default), system (the test apps in QEMU guests of both ARM CPUs), all.
set -eu
. "$(dirname "$0")/common.sh"

part=${THAW_TEST:-host}
case $part in
    host | system | all) ;;
    *) fail "THAW_TEST is '$part'; accepted: host, system, all" ;;
esac
export THAW_TEST="$part"

format_is_right() { native_sources | xargs clang-format --dry-run -Werror; }

prepare_host() {
    step "building the test apps" make --silent -C test/apps -j "$(nproc)" CPU="$host_cpu"
    step "building the image reader under sanitizers" make --silent -C test/image_check -j "$(nproc)"
}

prepare_system() {
    step "Debian packages for ARM" cross/setup.sh
    sh scripts/build-native.sh aarch64 armv7
    step "building the test apps for aarch64" make --silent -C test/apps -j "$(nproc)" CPU=aarch64 CC=aarch64-linux-gnu-gcc MUSL_CC=
    step "building the test apps for armv7" make --silent -C test/apps -j "$(nproc)" CPU=armv7 CC=arm-linux-gnueabihf-gcc MUSL_CC=
    step "making the aarch64 guest" cross/guest.sh make aarch64
    step "making the armv7 guest" cross/guest.sh make armv7
}

sh scripts/setup.sh
step "checking TypeScript's style (prettier, eslint, tsc)" npm run --silent lint
step "checking native code's format (clang-format)" format_is_right
[ "$part" = system ] || prepare_host
[ "$part" = host ] || prepare_system
say "running the tests"
case $part in
    host) set -- 'dist/test/engine/*.test.js' 'dist/test/launcher/*.test.js' 'dist/test/profiles/*.test.js' "$@" ;;
    system) set -- 'dist/test/system/*.test.js' "$@" ;;
esac
exec npx --no-install ava "$@"
