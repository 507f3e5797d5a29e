# How thaw is compiled for ARMv7; ../../CMakeLists.txt says what may be set here.

# Images may pass 2 GB and times 2038: 64-bit off_t and time_t. What the app uses is its own business: the checkpoint speaks to
# the kernel by call numbers.
add_compile_definitions(_FILE_OFFSET_BITS=64 _TIME_BITS=64)
# Notes on how GCC 7 changed the passing of structs; nothing here is older.
add_compile_options(-Wno-psabi)
set(cpu_assembler -marm -march=armv7-a+fp)
# What stands in for a system call leaves the registers of VFP as they are, as the kernel does (site.S).
# Go's signal handlers take r10 for their goroutine, whatever code the signal has interrupted.
set(cpu_freestanding ${cpu_assembler} -fno-unwind-tables -mgeneral-regs-only -ffixed-r10)
set(cpu_blob_sources arch/armv7/division.S)
