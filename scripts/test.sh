#!/bin/sh
# `npm test`: sets everything up, checks the style of all code, then runs the tests. Arguments go to AVA (files, --match).
set -eu
. "$(dirname "$0")/common.sh"

format_is_right() { native_sources | xargs clang-format --dry-run -Werror; }

sh scripts/setup.sh
step "checking TypeScript's style (prettier, eslint, tsc)" npm run --silent lint
step "checking native code's format (clang-format)" format_is_right
step "building the test apps" make --silent -C test/apps -j "$(nproc)" CPU="$host_cpu"
step "building the image reader under sanitizers" make --silent -C test/image_check -j "$(nproc)"
say "running the tests"
exec npx --no-install ava "$@"
