#!/bin/sh
# Runs clang-tidy over native/ (minutes; files that have not changed since they were found good are left out).
set -eu
. "$(dirname "$0")/common.sh"

database=build/$host_cpu/cmake
stamps=build/tidy
mkdir -p "$stamps"

tidy_one() {
    stamp=$stamps/$(echo "$1" | tr / _)
    [ -z "$(find "$1" .clang-tidy native -name '*.h' -newer "$stamp" 2>/dev/null | head -1)" ] && [ "$stamp" -nt "$1" ] && return 0
    clang-tidy -p "$database" --quiet "$1" 2>/dev/null && touch "$stamp"
}

# Only what the build knows: the other CPUs' sources and the freestanding ones have no entry in its database.
status=0
for source in $(git ls-files 'native/*.cc'); do
    grep -q "\"file\": \"$root/$source\"" "$database/compile_commands.json" || continue
    tidy_one "$source" || status=1
done
exit $status
