#!/bin/sh
# Builds thaw-exec and thaw.node into build/<cpu>/ for each cpu named (those of cross/cpus; all: this machine's and those of
# guests; default: this machine's), with cmake-js on native/CMakeLists.txt, and the programs that measure.
# Quick when nothing has changed.
set -eu
. "$(dirname "$0")/common.sh"

# Clones of one machine share what they compile: of files that are alike, only the first is. Of precompiled headers, what they
# say counts, not when they were made (ccache(1), PRECOMPILED HEADERS).
if command -v ccache >/dev/null; then
    export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache
    export CCACHE_BASEDIR="$root" CCACHE_NOHASHDIR=1
    export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
fi

# native/package.json says that the addon uses Node-API only, so cmake-js takes its headers from node-api-headers and downloads
# nothing. CMake puts the finished programs into build/<cpu>/ itself.
build() {
    toolchain=
    if [ "$cpu" != "$host_cpu" ]; then
        libraries=$(cross/libraries.sh "$cpu") || return 1
        toolchain="--CDCMAKE_TOOLCHAIN_FILE=$root/cross/toolchain.cmake --CDTHAW_LIBRARIES=$libraries"
        # CMake remembers the file of its first run, which may be that of an older checkout.
        cache=build/$cpu/cmake/CMakeCache.txt
        if [ -e "$cache" ] && ! grep -q "$root/cross/toolchain.cmake" "$cache"; then rm -r "build/$cpu/cmake"; fi
    fi
    # shellcheck disable=SC2086 # no toolchain means no argument
    npx --no-install cmake-js build --directory native --out "$root/build/$cpu/cmake" --parallel "$(nproc)" \
        --CDTHAW_CPU="$cpu" $toolchain
}

# A module of weston, by which windows are measured and tested. Its headers are alike for all CPUs; weston has loaded what it calls,
# but for one library, of which only the name is needed.
build_seat() {
    source=bench/windows/weston_seat.c
    out=build/$cpu/bench/weston_seat.so
    [ ! "$out" -nt "$source" ] || return 0
    headers=$(pkg-config --cflags libweston-10 libweston-desktop-10 xkbcommon) || return 0
    # shellcheck disable=SC2086 # one word per folder
    "$compiler" -shared -Wl,-soname,libweston-desktop-10.so.0 -o "$out.desktop.so" -x c /dev/null &&
        "$compiler" -shared -fPIC -O1 -Wall -Werror $headers -I/usr/include/weston -o "$out" "$source" \
            -Wl,--no-as-needed "$out.desktop.so" && rm "$out.desktop.so"
}

# Static, so that what they measure waits for no loader; but for those that are launched, whose images shall be mapped as those of other apps
# are: the memory of a static program is copied.
build_measuring_programs() {
    compiler=cc
    [ "$cpu" = "$host_cpu" ] || compiler=$triplet-gcc
    mkdir -p "build/$cpu/bench"
    for source in bench/native/*.c; do
        out=build/$cpu/bench/$(basename "$source" .c)
        if [ -e "$out" ] && [ -z "$(find "$source" bench/native/*.h -newer "$out")" ]; then continue; fi
        linking=-static
        case $(basename "$out") in heap | workers) linking= ;; esac
        # shellcheck disable=SC2086 # no linking option means no argument
        "$compiler" -O2 -std=c11 -Wall -Wextra -Werror $linking -o "$out" "$source" || return 1
    done
    build_seat
}

# shellcheck disable=SC2046 # one word per CPU
[ "${1:-}" != all ] || set -- $(printf '%s\n' "$host_cpu" $(guest_cpus) | sort -u)
for name in "${@:-$host_cpu}"; do
    load_cpu "$name"
    step "building native code for $cpu" build
    step "building the programs that measure, for $cpu" build_measuring_programs
done
