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
