#!/bin/sh
# Runs clang-tidy over native/ (minutes; files that have not changed since they were found good are left out).
set -eu
. "$(dirname "$0")/common.sh"

stamps=build/tidy
mkdir -p "$stamps"
# Without the compiler's precompiled headers, which clang cannot read: a file that does not include what it needs is found, too.
sed -E 's/ -Winvalid-pch -include [^ ]+cmake_pch\.hxx//' "build/$host_cpu/cmake/compile_commands.json" >"$stamps/compile_commands.json"

tidy_one() {
    stamp=$stamps/$(echo "$1" | tr / _)
    [ -z "$(find "$1" .clang-tidy native -name '*.h' -newer "$stamp" 2>/dev/null | head -1)" ] && [ "$stamp" -nt "$1" ] && return 0
    clang-tidy -p "$stamps" --quiet "$1" 2>/dev/null && touch "$stamp"
}

# Only what the build knows: the other CPUs' sources and the freestanding ones have no entry in its database.
status=0
for source in $(git ls-files 'native/*.cc'); do
    grep -q "\"file\": \"$root/$source\"" "$stamps/compile_commands.json" || continue
    tidy_one "$source" || status=1
done
exit $status
