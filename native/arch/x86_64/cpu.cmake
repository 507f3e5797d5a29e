# How thaw is compiled for x86-64; ../../CMakeLists.txt says what may be set here.
set(cpu_freestanding -mgeneral-regs-only -fcf-protection=none)

# What libc's start does is known of these versions.
include(CheckCXXSourceCompiles)
check_cxx_source_compiles("
#include <features.h>
#if __GLIBC__ != 2 || __GLIBC_MINOR__ != 36
#error another libc
#endif
int main() {}" THAW_LIBC_START_IS_KNOWN)
if(THAW_LIBC_START_IS_KNOWN)
  set(cpu_exec_sources arch/x86_64/exec/start.cc)
  set(cpu_exec_link -Wl,-e,start_without_cpuid)
endif()
