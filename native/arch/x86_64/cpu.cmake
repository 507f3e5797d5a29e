# How thaw is compiled for x86-64; ../../CMakeLists.txt says what may be set here.
set(cpu_freestanding -mgeneral-regs-only -fcf-protection=none)
