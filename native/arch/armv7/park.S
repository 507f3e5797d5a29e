// The stubs of the thaw area that end a launch; no stack is theirs to use.
//   park:   r4 = stack pointer for rt_sigreturn, r5 = park word. Counts itself in the word behind the park word, waits
//           until the park word is set, then becomes the thread of the signal frame.
//   finish: r4, r5 as above, r6 and r8 = address and size to unmap first. Sets the park word and wakes all. Before, it tells of a fork, on a
//           stack of the area.
//   leave:  r6 and r8 = address and size to unmap. Ends the calling thread.
//   signal_return: where the handler of blob/cold.cc returns to (sa_restorer).
#include <asm/unistd.h>

#define FUTEX_WAIT_PRIVATE 128
#define FUTEX_WAKE_PRIVATE 129

    .syntax unified
    .arm
    .section .text.park, "ax"
    .globl thaw_park
    .hidden thaw_park
    .type thaw_park, %function
thaw_park:
    add r0, r5, #4
    dmb ish
1:  ldrex r1, [r0]
    add r1, r1, #1
    strex r2, r1, [r0]
    cmp r2, #0
    bne 1b
    dmb ish
    mov r1, #FUTEX_WAKE_PRIVATE
    mov r2, #1
    mov r7, #__NR_futex
    svc #0
2:  ldr r0, [r5]
    dmb ish
    cmp r0, #0
    bne 3f
    mov r0, r5
    mov r1, #FUTEX_WAIT_PRIVATE
    mov r2, #0
    mov r3, #0
    mov r7, #__NR_futex
    svc #0
    b 2b
3:  mov sp, r4
    mov r7, #__NR_rt_sigreturn
    svc #0
    udf #0

    .globl thaw_finish
    .hidden thaw_finish
    .type thaw_finish, %function
thaw_finish:
    cmp r8, #0
    beq 4f
    mov r0, r6
    mov r1, r8
    mov r7, #__NR_munmap
    svc #0
4:  ldr r0, 6f
7:  ldr r0, [pc, r0]
    cmp r0, #0
    beq 5f
    mov sp, r0
    bl thaw_tell_of_fork
5:  mov r0, #1
    dmb ish
    str r0, [r5]
    mov r0, r5
    mov r1, #FUTEX_WAKE_PRIVATE
    mvn r2, #0x80000000
    mov r7, #__NR_futex
    svc #0
    b 3b
6:  .word thaw_fork_stack - (7b + 8)

    .globl thaw_leave
    .hidden thaw_leave
    .type thaw_leave, %function
thaw_leave:
    mov r0, r6
    mov r1, r8
    mov r7, #__NR_munmap
    svc #0
    mov r0, #0
    mov r7, #__NR_exit
    svc #0
    udf #0

    .globl thaw_signal_return
    .hidden thaw_signal_return
    .type thaw_signal_return, %function
thaw_signal_return:
    mov r7, #__NR_rt_sigreturn
    svc #0
    udf #0

    .section .note.GNU-stack, "", %progbits
