# How thaw is compiled for AArch64; ../../CMakeLists.txt says what may be set here.

# A launch changes the keys that signed return addresses are checked with: thaw's own must be plain.
add_compile_options(-mbranch-protection=none)
# Go's signal handlers take x28 for their goroutine, whatever code the signal has interrupted.
set(cpu_freestanding -mgeneral-regs-only -mno-outline-atomics -ffixed-x28)
# Kernels have pages of 4, 16 or 64 KB: a segment must start where the largest begins.
set(cpu_exec_link -Wl,-z,max-page-size=65536)
