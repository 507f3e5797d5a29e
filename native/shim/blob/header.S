// The blob starts with the offsets of what others jump to (BlobHeader in shim/tables.h).
    .section .text.entry, "ax"
    .balign 8
thaw_shim_header:
    .long thaw_park - thaw_shim_header
    .long thaw_finish - thaw_shim_header
    .long thaw_leave - thaw_shim_header
    .long thaw_shim_madvise - thaw_shim_header
    .long thaw_shim_posix_madvise - thaw_shim_header
    .long thaw_shim_mremap - thaw_shim_header
    .long thaw_shim_mmap - thaw_shim_header
    .long thaw_shim_mmap64 - thaw_shim_header
    .long thaw_shim_munmap - thaw_shim_header
    .long thaw_shim_mprotect - thaw_shim_header
    .long thaw_shim_pkey_mprotect - thaw_shim_header
    .long thaw_shim_syscall - thaw_shim_header
    .long thaw_shim_shmget - thaw_shim_header
    .long thaw_shim_shmat - thaw_shim_header
    .long thaw_shim_shmctl - thaw_shim_header
    .long thaw_shim_site - thaw_shim_header
    .long thaw_start_cold - thaw_shim_header
    .long thaw_signal_return - thaw_shim_header
    .long thaw_shim_getenv - thaw_shim_header
    .long thaw_shim_setenv - thaw_shim_header
    .long thaw_shim_unsetenv - thaw_shim_header
    .long thaw_shim_putenv - thaw_shim_header
    .globl thaw_shim_tables
    .hidden thaw_shim_tables
thaw_shim_tables:
    .quad 0
    .globl thaw_app_call
    .hidden thaw_app_call
thaw_app_call:
    .quad 0
    .globl thaw_fork_stack
    .hidden thaw_fork_stack
thaw_fork_stack:
    .quad 0
    .section .note.GNU-stack, "", %progbits
