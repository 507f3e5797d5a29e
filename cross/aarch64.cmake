# AArch64 with Debian's cross compiler (package g++-aarch64-linux-gnu).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_ASM_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static)
# A launch changes the keys that signed return addresses are checked with: thaw's own must be plain.
# As options of the folder, because cmake-js sets CMAKE_CXX_FLAGS itself.
add_compile_options(-mbranch-protection=none)
set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
# Headers that are no CPU's own (Node-API) come from where the build says.
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE BOTH)
