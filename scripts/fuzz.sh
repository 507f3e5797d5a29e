#!/bin/sh
# `npm run fuzz [-- RUNS [LAUNCHES]]`: RUNS mutated images (default 100,000) through the image reader under sanitizers, by
# libFuzzer, which keeps those that reach something new in build/fuzz/corpus; LAUNCHES (default 300) through thaw-exec; then
# the coverage that the corpus reaches in the reader. Ends with an error at the first finding, whose input it names.
set -eu
. "$(dirname "$0")/common.sh"

runs=${1:-100000}
launches=${2:-300}
fuzz=build/fuzz

# Made with what the format is now: by its headers, and by the addon that writes it.
seeds_are_current() {
    [ -n "$(ls "$fuzz/seeds" 2>/dev/null)" ] &&
        [ -z "$(find native/image/*.h "build/$host_cpu/thaw.node" -newer "$fuzz/seeds")" ]
}

make_seeds() {
    seeds_are_current && return
    rm -rf "$fuzz/seeds" "$fuzz/corpus" "$fuzz/new-seeds"
    node dist/test/fuzz/seeds.js "$fuzz/new-seeds"
    mv "$fuzz/new-seeds" "$fuzz/seeds"
}

# Edges of the reader's code that the corpus reaches, by file.
show_coverage() {
    "$fuzz/fuzz-image" -runs=0 -print_coverage=1 "$fuzz/corpus" "$fuzz/seeds" 2>&1 |
        sed -nE 's,^(UN)?COVERED_FUNC: hits: [0-9]+ edges: ([0-9]+)/([0-9]+) .*/native/((image|exec|launch/check)/[^:]*):.*,\4 \2 \3,p' |
        awk '{ reached[$1] += $2; all[$1] += $3 } END { for (file in all) printf "%-32s %4d of %4d edges\n", file, reached[file], all[file] }' | sort
}

sh scripts/setup.sh
step "building the test apps" make --silent -C test/apps -j "$(nproc)" CPU="$host_cpu"
step "building the fuzz target" make --silent -C test/fuzz -j "$(nproc)" all
step "making seeds" make_seeds
mkdir -p "$fuzz/corpus"
"$fuzz/fuzz-image" -runs="$runs" -timeout=10 -max_len=1048576 -artifact_prefix="$fuzz/" -print_final_stats=1 \
    "$fuzz/corpus" "$fuzz/seeds"
# An image that deceives may have its app send signals to anybody.
alone=
[ "$(id -u)" -ne 0 ] || alone="unshare --pid --fork --mount-proc"
$alone node dist/test/fuzz/launches.js "$launches"
show_coverage
