// Stubs of call sites (code/call_sites.cc) come here before a system call instruction, with the call's
// number in w8, and x16, x17 and x30 at the stack pointer. As the kernel does, this preserves all but
// x0. It returns to the stub: where it came from if the call is not the shim's, else 12 bytes later.
#include <asm/unistd.h>

    .section .text, "ax"
    .globl thaw_shim_site
    .hidden thaw_shim_site
thaw_shim_site:
    mrs x16, nzcv
    str x16, [sp, #24]
    cmp w8, #__NR_mmap
    b.eq 2f
    cmp w8, #__NR_mprotect
    b.eq 2f
    cmp w8, #__NR_munmap
    b.eq 2f
    cmp w8, #__NR_mremap
    b.eq 2f
    cmp w8, #__NR_madvise
    b.eq 2f
    cmp w8, #__NR_pkey_mprotect
    b.eq 2f
1:  ldr x16, [sp, #24]
    msr nzcv, x16
    ldp x16, x17, [sp]
    ret
2:  stp x29, x30, [sp, #-208]!
    mov x29, sp
    mov w16, w8
    stp x16, x0, [sp, #16] // SiteCall of shim/blob/sites.cc
    stp x1, x2, [sp, #32]
    stp x3, x4, [sp, #48]
    str x5, [sp, #64]
    stp x1, x2, [sp, #80]
    stp x3, x4, [sp, #96]
    stp x5, x6, [sp, #112]
    stp x7, x8, [sp, #128]
    stp x9, x10, [sp, #144]
    stp x11, x12, [sp, #160]
    stp x13, x14, [sp, #176]
    stp x15, x18, [sp, #192]
    add x0, sp, #16
    bl thaw_shim_site_call
    ldp x1, x2, [sp, #80]
    ldp x3, x4, [sp, #96]
    ldp x5, x6, [sp, #112]
    ldp x7, x8, [sp, #128]
    ldp x9, x10, [sp, #144]
    ldp x11, x12, [sp, #160]
    ldp x13, x14, [sp, #176]
    ldp x15, x18, [sp, #192]
    ldp x29, x30, [sp], #208
    add x30, x30, #12
    b 1b

// long thaw_shim_on_stack(stack, function, argument)
    .globl thaw_shim_on_stack
    .hidden thaw_shim_on_stack
thaw_shim_on_stack:
    stp x29, x30, [sp, #-16]!
    mov x29, sp
    mov sp, x0
    mov x0, x2
    blr x1
    mov sp, x29
    ldp x29, x30, [sp], #16
    ret
    .section .note.GNU-stack, "", %progbits
