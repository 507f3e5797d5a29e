#!/bin/sh
# Makes a fresh Debian 12 machine and a fresh clone ready: Debian packages, npm packages, the build, the profiles' data.
# Quick when there is nothing to do. Run by `npm start` and `npm test`.
set -eu
. "$(dirname "$0")/common.sh"

# Building: compilers and their cache, cmake, hashing, signatures, Wayland's protocols, decoding of x86-64's instructions; formatting, checking and fuzzing; the cross compilers.
build_packages="build-essential ccache cmake libxxhash-dev libsodium-dev clang llvm libclang-rt-14-dev clang-format clang-tidy shellcheck musl-tools
    libwayland-dev wayland-protocols libzydis-dev
    $(guest_packages compilers)"
# The apps of the profiles, and the tools that their warm-up and the tests use.
# With those that seal stores (`thaw pack`): erofs-utils, squashfs-tools, and cryptsetup-bin for dm-verity.
app_packages="redis-server nginx-light postgresql-15 openjdk-17-jdk-headless python3 ruby curl procps iproute2 jq
    erofs-utils squashfs-tools cryptsetup-bin
    golang-go
    tmux vim less erlang-base php8.2-fpm libfcgi-bin gunicorn
    chromium-headless-shell
    dbus-daemon systemd python3-dbus python3-gi libsystemd-dev weston libwayland-bin libweston-10-dev
    gir1.2-gtk-3.0 python3-pyqt5.qtquick qml-module-qtquick2 qml-module-qtquick-window2 qtwayland5
    libsdl2-dev libsdl2-ttf-dev fonts-dejavu-core cog"

# What tests look at the face of thaw with (and chromium-headless-shell at reports): manual pages, completions of shells, the guide for Qt,
# metrics as Prometheus reads them, builds that are killed at a call.
face_packages="mandoc zsh fish python3-pyqt5 python3-prometheus-client strace"
# What fleets have: a registry and its tools, and the updaters whose bundles are checked (docs/how-to/fleet.md, ota.md).
fleet_packages="docker-registry skopeo rauc swupdate casync cpio openssl"
# What checks packages (`npm run package`), and makes the roots that they are installed in.
packaging_packages="lintian mmdebstrap pkg-config"

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "root or sudo is needed for: $*"
    fi
}

missing_packages() {
    for package in $build_packages $app_packages $face_packages $fleet_packages $packaging_packages; do
        # Another flavour of nginx does as well, and installing this one would replace it.
        [ "$package" = nginx-light ] && [ -x /usr/sbin/nginx ] && continue
        state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
        [ "$state" = installed ] || printf '%s ' "$package"
    done
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
}

# Debian starts a service as soon as its package is installed. Only the programs are wanted here, so the policy file that
# package scripts ask is put in place meanwhile, and the services do not start at the next boot either.
install_without_starting() {
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy" || return 1
        trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
        trap 'exit 1' INT TERM
    fi
    # Package lists may be absent or too old; they are fetched only when an install without them does not work.
    if ! apt_install "$@"; then
        as_root apt-get update -q && apt_install "$@" || return 1
    fi
    if command -v systemctl >/dev/null; then
        for service in redis-server nginx postgresql php8.2-fpm docker-registry swupdate; do
            case " $* " in
                *" $service"*) as_root systemctl disable --quiet "$service" || true ;;
            esac
        done
    fi
}

install_debian_packages() {
    missing=$(missing_packages)
    if [ -z "$missing" ]; then
        say "Debian packages: all there"
        return
    fi
    say "Debian packages to install: $missing"
    # shellcheck disable=SC2086 # one word per package
    step "installing them (their services are not started)" install_without_starting $missing
}

# A program that was told to write to it as root may have replaced it; users then cannot write there, of which initdb dies.
check_dev_null() {
    null_is_right && return
    [ "$(id -u)" = 0 ] || fail "/dev/null is not what it should be: $(ls -l /dev/null 2>&1); as root: rm /dev/null; mknod -m 666 /dev/null c 1 3"
    say "/dev/null is not what it should be: $(ls -l /dev/null 2>&1); making it anew"
    if [ -c /dev/null ] && chmod 666 /dev/null && null_is_right; then return; fi
    mknod -m 666 /dev/null.thaw c 1 3
    mv -f /dev/null.thaw /dev/null
}

check_node() {
    command -v node >/dev/null || fail "Node.js 20 or newer is needed"
    major=$(node -p 'process.versions.node.split(".")[0]')
    [ "$major" -ge 20 ] || fail "Node.js 20 or newer is needed; this is $(node --version)"
}

install_npm_packages() {
    stamp=node_modules/.installed-lock
    if cmp -s package-lock.json "$stamp"; then
        say "npm packages: all there"
        return
    fi
    step "npm packages: installing" npm ci --no-audit --no-fund
    cp package-lock.json "$stamp"
}

prepare_profiles() {
    for script in profiles/*/prepare.sh; do
        sh "$script" || return 1
    done
}

check_dev_null
install_debian_packages
check_node
install_npm_packages
step "compiling TypeScript" npm run --silent build
sh scripts/build-native.sh
step "preparing the profiles' data" prepare_profiles
