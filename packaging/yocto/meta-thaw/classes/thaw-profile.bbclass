# Builds profiles into an image: `inherit thaw-profile` in the image's recipe, and
#   THAW_PROFILES       the profiles' files (*.toml), in any folder
#   THAW_KERNEL         the device's kernel (zImage, Image) for the guest that builds them; empty: Debian's
#   THAW_MODULES        its modules: .../lib/modules/VERSION; empty: all that the guest needs is built in
#   THAW_CPU_MODEL      the oldest CPU of the fleet, as QEMU calls it; empty: one that has all features
#   THAW_CLONE          a clone of thaw that was set up with `npm start` and `npm run build:all`
# Images are made under QEMU in the image's own root, once all packages are installed; one that cannot be made fails the build.

THAW_PROFILES ?= ""
THAW_KERNEL ?= ""
THAW_MODULES ?= ""
THAW_CPU_MODEL ?= ""

IMAGE_INSTALL:append = " thaw-exec"

THAW_TARGET:aarch64 = "aarch64"
THAW_TARGET:arm = "armv7"
THAW_TARGET ?= "unsupported"

thaw_build_profiles() {
    if [ -z "${THAW_PROFILES}" ]; then
        bbwarn "thaw-profile: THAW_PROFILES names no profile"
        return
    fi
    set -- --target ${THAW_TARGET} --root ${IMAGE_ROOTFS}
    [ -z "${THAW_KERNEL}" ] || set -- "$@" --kernel ${THAW_KERNEL}
    [ -z "${THAW_MODULES}" ] || set -- "$@" --modules ${THAW_MODULES}
    [ -z "${THAW_CPU_MODEL}" ] || set -- "$@" --model ${THAW_CPU_MODEL}
    # Node.js, QEMU and the tools for file systems are those of the machine, which the PATH of a task does not have.
    PATH="$PATH:/usr/bin:/bin:/usr/sbin:/sbin" node ${THAW_CLONE}/dist/launcher/cli.js build "$@" ${THAW_PROFILES} ||
        bbfatal "thaw: not all profiles were built; their reasons are above"
}

# Last: what is changed in the root afterwards is changed for the images, too.
ROOTFS_POSTPROCESS_COMMAND:append = " thaw_build_profiles;"
do_rootfs[network] = "1"
do_rootfs[file-checksums] += "${@' '.join(f + ':True' for f in (d.getVar('THAW_PROFILES') or '').split())}"
