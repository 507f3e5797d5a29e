// Stubs of call sites (code/call_sites.cc) come here in place of a system call instruction, with the
// number in w8, x16 and x30 on the stack and x30 behind the call. As the kernel does, this preserves all
// but x0, the flags among it; x16 and x30 the stub takes back.
#include <asm/unistd.h>

    .section .text, "ax"
    .globl thaw_shim_site
    .hidden thaw_shim_site
thaw_shim_site:
    mrs x16, nzcv
    cmp w8, #__NR_mmap
    b.eq 1f
    cmp w8, #__NR_mprotect
    b.eq 1f
    cmp w8, #__NR_munmap
    b.eq 1f
    cmp w8, #__NR_mremap
    b.eq 1f
    cmp w8, #__NR_madvise
    b.eq 1f
    cmp w8, #__NR_pkey_mprotect
    b.eq 1f
    msr nzcv, x16
    ret
1:  add x30, x30, #12 // the stub's second half
    sub sp, sp, #224
    stp x1, x2, [sp, #64]
    stp x3, x4, [sp, #80]
    stp x5, x6, [sp, #96]
    stp x7, x8, [sp, #112]
    stp x9, x10, [sp, #128]
    stp x11, x12, [sp, #144]
    stp x13, x14, [sp, #160]
    stp x15, x17, [sp, #176]
    stp x18, x16, [sp, #192]
    stp x29, x30, [sp, #208]
    mov w17, w8
    stp x17, x0, [sp] // SiteCall of shim/blob/sites.cc
    stp x1, x2, [sp, #16]
    stp x3, x4, [sp, #32]
    str x5, [sp, #48]
    mov x0, sp
    bl thaw_shim_site_call
    ldp x1, x2, [sp, #64]
    ldp x3, x4, [sp, #80]
    ldp x5, x6, [sp, #96]
    ldp x7, x8, [sp, #112]
    ldp x9, x10, [sp, #128]
    ldp x11, x12, [sp, #144]
    ldp x13, x14, [sp, #160]
    ldp x15, x17, [sp, #176]
    ldp x18, x16, [sp, #192]
    ldp x29, x30, [sp, #208]
    add sp, sp, #224
    msr nzcv, x16
    ret

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
