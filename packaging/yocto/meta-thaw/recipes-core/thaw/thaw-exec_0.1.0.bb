SUMMARY = "exec that skips the warm-up of a program"
DESCRIPTION = "thaw-exec becomes a program, warm from an image that was made of it, or else by a cold start. One static program."
SECTION = "base"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://${THAW_CLONE}/LICENSE;md5=4bc644a2334080eb163e3f73c4496791"
DEPENDS = "libsodium xxhash"

inherit cmake externalsrc

# Built from the clone itself; ${B} is a folder of its own.
EXTERNALSRC = "${THAW_CLONE}"
OECMAKE_SOURCEPATH = "${S}/native"

# As the folders of native/arch are called.
THAW_CPU:aarch64 = "aarch64"
THAW_CPU:arm = "armv7"
THAW_CPU:x86-64 = "x86_64"
THAW_CPU ?= "unsupported"
COMPATIBLE_HOST = "(aarch64|arm|x86_64).*-linux.*"

EXTRA_OECMAKE = "-DTHAW_EXEC_ONLY=ON -DTHAW_CPU=${THAW_CPU}"

do_install() {
    install -D -m 0755 ${B}/thaw-exec ${D}${bindir}/thaw-exec
    install -D -m 0644 ${S}/docs/man/thaw-exec.1 ${D}${mandir}/man1/thaw-exec.1
}

# It is linked without symbols.
INSANE_SKIP:${PN} += "already-stripped"
