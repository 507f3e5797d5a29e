// Where libgcc's divisions go with a divisor of zero: nowhere, as none is ever zero. For the
// freestanding blobs, which have no libc that would define these.
    .syntax unified
    .arm
    .text
    .globl __aeabi_idiv0
    .hidden __aeabi_idiv0
    .type __aeabi_idiv0, %function
    .globl __aeabi_ldiv0
    .hidden __aeabi_ldiv0
    .type __aeabi_ldiv0, %function
__aeabi_idiv0:
__aeabi_ldiv0:
    bx lr

    .section .note.GNU-stack, "", %progbits
