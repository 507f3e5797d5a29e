// Stubs of call sites (code/call_sites.cc) come here before a system call instruction, from ARM and from
// Thumb code, with the call's number in r7, and r12 and lr on the stack. As the kernel does, this
// preserves all but r0. It returns to the stub: where it came from if the call is not the shim's, else 8
// bytes later.
#include <asm/unistd.h>

    .syntax unified
    .section .text, "ax"
    .globl thaw_shim_site
    .hidden thaw_shim_site
thaw_shim_site:
    mrs r12, apsr
    push {r12, lr}
    cmp r7, #__NR_mmap2
    cmpne r7, #__NR_mprotect
    cmpne r7, #__NR_munmap
    cmpne r7, #__NR_mremap
    cmpne r7, #__NR_madvise
    movwne r12, #__NR_pkey_mprotect
    cmpne r7, r12
    beq 2f
1:  pop {r12, lr}
    msr apsr_nzcvq, r12
    bx lr
2:  push {r1, r2, r3, r11}
    mov r11, sp
    sub sp, sp, #32
    bic sp, sp, #7
    str r7, [sp] // SiteCall of shim/blob/sites.cc
    str r0, [sp, #4]
    str r1, [sp, #8]
    str r2, [sp, #12]
    str r3, [sp, #16]
    str r4, [sp, #20]
    str r5, [sp, #24]
    mov r0, sp
    bl thaw_shim_site_call
    mov sp, r11
    pop {r1, r2, r3, r11}
    ldr lr, [sp, #4]
    add lr, lr, #8
    str lr, [sp, #4]
    b 1b

// long thaw_shim_on_stack(stack, function, argument): the stack's address has 64 bits.
    .globl thaw_shim_on_stack
    .hidden thaw_shim_on_stack
thaw_shim_on_stack:
    push {r11, lr}
    mov r11, sp
    mov sp, r0
    mov r0, r3
    blx r2
    mov sp, r11
    pop {r11, pc}
    .section .note.GNU-stack, "", %progbits
