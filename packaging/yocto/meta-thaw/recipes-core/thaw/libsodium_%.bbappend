# thaw-exec is linked with libsodium.a, which distributions of Poky leave out otherwise.
DISABLE_STATIC = ""
