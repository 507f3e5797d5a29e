#!/bin/bash
# tools.sh CPU: makes the image of tools that a guest needs beside a device's own root, as a squashfs, and prints its path:
# busybox (static), Node.js, curl and GNU tar with their own libraries. Nothing in it touches the root, and nothing of the root is
# needed: it works on one that holds a single program. Guests mount it on /run/guest/tools. Quick when the newest is there already.
#   bin/    the programs by name; those that are not static are started by their own loader with their own libraries
#   tree/   the unpacked packages
set -euo pipefail
. "$(dirname "$0")/common.sh"
use_cpu "$1"
. "$project/cross/apt.sh"
. "$project/cross/unpack.sh"

packages=(busybox-static nodejs curl tar util-linux libatomic1)
mount_point=/run/guest/tools

# wrap TREE/PROGRAM NAME: bin/NAME starts the program with the loader and the libraries of the tree, whatever the root has.
wrap() {
    local loader
    loader=$(cd "$tools/tree/usr/lib" && find . -name "$loader_name" | head -n 1)
    [ -n "$loader" ] || fail "$cpu: no $loader_name in the packages of the tools"
    printf '#!%s/bin/busybox sh\nexec %s/tree/usr/lib/%s --inhibit-cache --library-path %s/tree/usr/lib/%s --argv0 %s %s/tree/%s "$@"\n' \
        $mount_point $mount_point "${loader#./}" $mount_point "$triplet" "$2" $mount_point "$1" >"$tools/bin/$2"
    chmod 755 "$tools/bin/$2"
}

# Of the name service only what `user` of a profile asks for.
write_getent() {
    cat >"$tools/bin/getent" <<'END'
#!/run/guest/tools/bin/busybox sh
# getent passwd|group [NAME|ID], from the file in /etc.
while IFS=: read -r name password id rest; do
    case ${2-} in '' | "$name" | "$id") echo "$name:$password:$id:$rest" ;; *) continue ;; esac
    [ -z "${2-}" ] || exit 0
done <"/etc/$1"
[ -z "${2-}" ] || exit 2
END
    chmod 755 "$tools/bin/getent"
}

finish() {
    local applet
    mkdir -p "$tools/bin"
    cp "$tools/tree/usr/bin/busybox" "$tools/bin/busybox"
    # Debian's busybox for both CPUs has the same applets as this machine's emulator shows.
    for applet in $("$emulator" "$tools/bin/busybox" --list | grep -vx busybox); do ln -sf busybox "$tools/bin/$applet"; done
    rm -f "$tools"/bin/{tar,setpriv,getent}
    wrap usr/bin/node node
    wrap usr/bin/curl curl
    wrap usr/bin/tar tar
    wrap usr/bin/setpriv setpriv
    write_getent
    install -m 755 "$project/cross/guest-init" "$tools/bin/guest-init"
    find "$tools/tree/usr/share" -mindepth 1 -maxdepth 1 ! -name nodejs -exec rm -rf {} +
    rm -rf "$tools"/tree/usr/include "$tools"/tree/{etc,var}
    # Debian's Node.js reads parts of itself from a folder that the root may have, too, of another version: another path of the same
    # length, which guest-init makes a link to the tree's.
    LC_ALL=C sed -i 's,/usr/share/nodejs/,/run/guest/nodejs/,g' "$tools"/tree/usr/lib/*/libnode.so.*
}

update_lists
list=$(mktemp)
work=
trap 'rm -rf "$list" ${work:+"$work"}' EXIT
resolve "${packages[@]}" >"$list"
[ -s "$list" ] || fail "$cpu: apt cannot resolve the packages of the tools"
key=$(cat "$list" "$project/cross/guest-init" "$project/cross/unpack.sh" "$0" | sha256sum | cut -c1-12)
result=$cpu_cache/tools-$key.squashfs
if [ ! -e "$result" ]; then
    say "$cpu: making the tools from $(wc -l <"$list") packages"
    archives=$cpu_cache/archives
    mkdir -p "$archives/partial"
    download "$archives" "${packages[@]}"
    work=$(mktemp -d "$cpu_cache/tools.XXXXXX")
    tools=$work/tools
    unpack "$list" "$tools/tree"
    finish
    mksquashfs "$tools" "$work/tools.squashfs" -comp lz4 -all-root -no-progress -quiet >/dev/null
    rm -f "$cpu_cache"/tools-*.squashfs
    mv "$work/tools.squashfs" "$result"
fi
ln -sfn "$(basename "$result")" "$cpu_cache/tools.squashfs"
echo "$result"
