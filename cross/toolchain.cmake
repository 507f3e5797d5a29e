# Debian's cross compiler for THAW_CPU, one of cross/cpus. CMake reads this also for its try-outs, where it must be told.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES THAW_CPU)
file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/cpus/${THAW_CPU} triplet REGEX "^triplet=")
string(REPLACE "triplet=" "" triplet ${triplet})
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${THAW_CPU})
set(CMAKE_C_COMPILER ${triplet}-gcc)
set(CMAKE_CXX_COMPILER ${triplet}-g++)
set(CMAKE_ASM_COMPILER ${triplet}-gcc)
set(CMAKE_FIND_ROOT_PATH /usr/${triplet})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
# Headers that are no CPU's own (Node-API) come from where the build says.
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE BOTH)
