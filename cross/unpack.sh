# shellcheck shell=bash
# Unpacks Debian packages; sourced after apt.sh. Nothing of them runs, so no emulation is needed.

# unpack LIST DIRECTORY: the packages of a list that resolve() printed, from $archives. /bin, /sbin and /lib are /usr's.
unpack() {
    mkdir -p "$2/usr/bin" "$2/usr/sbin" "$2/usr/lib"
    ln -s usr/bin "$2/bin"
    ln -s usr/sbin "$2/sbin"
    ln -s usr/lib "$2/lib"
    cut -d' ' -f1 "$1" | xargs -P 2 -I '{}' sh -c \
        'dpkg-deb --fsys-tarfile "$1" | tar -x --keep-directory-symlink --no-same-owner -C "$2"' - "$archives/{}" "$2"
}

# unpack_alone RESULT PACKAGE...: the packages without what they depend on. Quick when they are there already.
unpack_alone() {
    local result=$1 list work
    shift
    # The stamp says which packages they are, for the SBOM.
    [ ! -s "$result/.of-$*" ] || return 0
    update_lists
    archives=$cpu_cache/archives
    mkdir -p "$archives/partial"
    list=$(mktemp)
    work=$(mktemp -d "$result.XXXXXX")
    # shellcheck disable=SC2064 # these, not what the names stand for later
    trap "rm -rf '$list' '$work'" EXIT
    resolve "$@" | grep -E "^($(IFS='|' && echo "$*"))_" >"$list" || fail "$cpu: apt cannot resolve: $*"
    say "$cpu: unpacking $*"
    download "$archives" "$@"
    unpack "$list" "$work/root"
    cp "$list" "$work/root/.of-$*"
    rm -rf "$result"
    mv "$work/root" "$result"
}
