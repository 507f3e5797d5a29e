#!/bin/sh
# `npm run fuzz [-- RUNS [LAUNCHES]]`: RUNS mutated images (default 100,000) through the image reader under sanitizers, by
# libFuzzer, which keeps those that reach something new in build/fuzz/corpus; LAUNCHES (default 300) through thaw-exec; then
# the coverage that the corpus reaches in the reader. Ends with an error at the first finding, whose input it names.
set -eu
. "$(dirname "$0")/common.sh"

runs=${1:-100000}
launches=${2:-300}
fuzz=build/fuzz

make_seeds() {
    [ -n "$(ls "$fuzz/seeds" 2>/dev/null)" ] && [ "$fuzz/seeds" -nt native/image/format.h ] && return
    rm -rf "$fuzz/seeds" "$fuzz/corpus"
    node dist/test/fuzz/seeds.js "$fuzz/seeds"
}

# Lines and branches of the reader that the corpus reaches, by file.
show_coverage() {
    LLVM_PROFILE_FILE=$fuzz/coverage.profraw "$fuzz/fuzz-image-coverage" -runs=0 "$fuzz/corpus" "$fuzz/seeds" 2>/dev/null
    llvm-profdata merge -sparse "$fuzz/coverage.profraw" -o "$fuzz/coverage.profdata"
    llvm-cov report "$fuzz/fuzz-image-coverage" -instr-profile="$fuzz/coverage.profdata" -show-region-summary=0 \
        native/image/view.cc native/image/validate.cc native/image/verify_data.cc native/exec/signature.cc native/launch/check
}

sh scripts/setup.sh
step "building the test apps" make --silent -C test/apps -j "$(nproc)" CPU="$host_cpu"
step "building the fuzz target" make --silent -C test/fuzz -j "$(nproc)" all coverage
step "making seeds" make_seeds
mkdir -p "$fuzz/corpus"
"$fuzz/fuzz-image" -runs="$runs" -timeout=10 -max_len=1048576 -artifact_prefix="$fuzz/" -print_final_stats=1 \
    "$fuzz/corpus" "$fuzz/seeds"
node dist/test/fuzz/launches.js "$launches"
show_coverage
