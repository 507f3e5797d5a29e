# ARMv7 hard float with Debian's cross compiler (package g++-arm-linux-gnueabihf: armv7-a, vfpv3-d16, Thumb-2).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR armv7l)
set(CMAKE_C_COMPILER arm-linux-gnueabihf-gcc)
set(CMAKE_CXX_COMPILER arm-linux-gnueabihf-g++)
set(CMAKE_ASM_COMPILER arm-linux-gnueabihf-gcc)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-arm-static)
# Images may pass 2 GB and times 2038: 64-bit off_t and time_t. What the app uses is its own business: the checkpoint speaks to
# the kernel by call numbers. psabi: notes on how GCC 7 changed the passing of structs; nothing here is older.
# As options of the folder, because cmake-js sets CMAKE_CXX_FLAGS itself.
add_compile_options(-D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 -Wno-psabi)
set(CMAKE_FIND_ROOT_PATH /usr/arm-linux-gnueabihf)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
# Headers that are no CPU's own (Node-API) come from where the build says.
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE BOTH)
