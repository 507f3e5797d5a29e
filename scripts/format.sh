#!/bin/sh
# Writes all code in the project's style, as `npm test` checks it.
set -eu
. "$(dirname "$0")/common.sh"
native_sources | xargs clang-format -i
npx --no-install prettier --write --log-level warn .
