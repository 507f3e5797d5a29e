# shellcheck shell=bash
# An apt of its own for a foreign architecture; sourced after use_cpu. The machine's own apt and dpkg are not touched.
# With `suite` set, it knows that suite of Debian instead of this machine's.

apt_folder() { echo "$cpu_cache/apt${suite:+-$suite}"; }

# Debian's main suites of this machine, without security: its index for armhf is not always complete.
write_sources() {
    local uri release component
    apt-get indextargets --format '$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)|$(LABEL)' 'Created-By: Packages' |
        awk -F'|' '$4 == "Debian" && $5 == "Debian"' | sort -u | cut -d'|' -f1-3 |
        while IFS='|' read -r uri release component; do
            printf 'deb %s %s %s\n' "$uri" "$release" "$component"
        done | if [ -n "${suite:-}" ]; then awk -v suite="$suite" '{ print "deb", $2, suite, "main" }' | sort -u | head -n 1; else cat; fi
}

apt_options() {
    local apt
    apt=$(apt_folder)
    printf '%s\n' \
        "Dir::State=$apt/state" "Dir::State::status=$apt/status" "Dir::Cache=$apt/cache" \
        "Dir::Etc::sourcelist=$apt/sources.list" "Dir::Etc::sourceparts=/dev/null" \
        "Dir::Etc::preferencesparts=/dev/null" \
        "APT::Architecture=$debian_architecture" "APT::Architectures=$debian_architecture" \
        "APT::Sandbox::User=$(id -un)" "APT::Install-Recommends=0" \
        "Acquire::Languages=none" "Debug::NoLocking=1"
}

# cross_apt COMMAND ARGS...: COMMAND is apt-get or apt-cache.
cross_apt() {
    local command=$1 options=() option
    shift
    while read -r option; do options+=(-o "$option"); done < <(apt_options)
    "$command" -q "${options[@]}" "$@"
}

# Fetches package lists that are older than a day. With lists that are there, failure is no error: devices are built offline, too.
# From here on, other scripts that need packages for this CPU wait until this one ends.
update_lists() {
    local apt
    exec 9>"$cpu_cache/lock"
    flock 9
    apt=$(apt_folder)
    mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
    touch "$apt/status"
    [ -z "$(find "$apt/updated" -mtime -1 2>/dev/null)" ] || return 0
    write_sources >"$apt/sources.list"
    [ -s "$apt/sources.list" ] || fail "apt knows no Debian archive on this machine; run apt-get update"
    say "$cpu: fetching package lists${suite:+ of $suite}"
    if cross_apt apt-get update >"$apt/update.log" 2>&1; then
        touch "$apt/updated"
    elif [ ! -e "$apt/updated" ]; then
        cat "$apt/update.log" >&2
        fail "$cpu: cannot fetch package lists"
    fi
}

# resolve PACKAGE...: prints the file name and URI of each package that a root with these holds.
resolve() {
    cross_apt apt-get install --print-uris -y "$@" | sed -nE "s/^'([^']+)' ([^ ]+) .*/\2 \1/p" | sort
}

# download DIRECTORY PACKAGE...: these and what they depend on; the files are put, or already are, in DIRECTORY.
download() {
    local directory=$1
    shift
    cross_apt apt-get install --download-only -y -o "Dir::Cache::archives=$directory" "$@" >"$cpu_cache/download.log" 2>&1 || {
        tail -n 20 "$cpu_cache/download.log" >&2
        fail "$cpu: cannot download packages"
    }
}
