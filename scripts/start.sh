#!/bin/sh
# `npm start`: sets everything up, builds the five profiles, launches each cold and warm in turn, prints the table.
# Arguments go to the runner: --runs N, and names of profiles.
set -eu
. "$(dirname "$0")/common.sh"
sh scripts/setup.sh
exec node dist/bench/main.js "$@"
