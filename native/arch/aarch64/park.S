// The stubs of the thaw area that end a launch; no stack is theirs to use.
//   park:   x19 = stack pointer for rt_sigreturn, x20 = park word. Counts itself in the word behind the park word, waits
//           until the park word is set, then becomes the thread of the signal frame.
//   finish: x19, x20 as above, x21 and x22 = address and size to unmap first. Sets the park word and wakes all. Before, it tells of a fork, on a
//           stack of the area.
//   leave:  x21 and x22 = address and size to unmap. Ends the calling thread.
//   signal_return: where the handler of blob/cold.cc returns to (sa_restorer).
#include <asm/unistd.h>

#define FUTEX_WAIT_PRIVATE 128
#define FUTEX_WAKE_PRIVATE 129

    .section .text.park, "ax"
    .globl thaw_park
    .hidden thaw_park
thaw_park:
    add x0, x20, #4
1:  ldaxr w1, [x0]
    add w1, w1, #1
    stlxr w2, w1, [x0]
    cbnz w2, 1b
    mov x1, #FUTEX_WAKE_PRIVATE
    mov x2, #1
    mov x8, #__NR_futex
    svc #0
2:  ldar w0, [x20]
    cbnz w0, 3f
    mov x0, x20
    mov x1, #FUTEX_WAIT_PRIVATE
    mov x2, #0
    mov x3, #0
    mov x8, #__NR_futex
    svc #0
    b 2b
3:  mov sp, x19
    mov x8, #__NR_rt_sigreturn
    svc #0
    brk #0

    .globl thaw_finish
    .hidden thaw_finish
thaw_finish:
    cbz x22, 4f
    mov x0, x21
    mov x1, x22
    mov x8, #__NR_munmap
    svc #0
4:  adrp x0, thaw_fork_stack
    add x0, x0, :lo12:thaw_fork_stack
    ldr x0, [x0]
    cbz x0, 5f
    mov sp, x0
    bl thaw_tell_of_fork
5:  mov w0, #1
    stlr w0, [x20]
    mov x0, x20
    mov x1, #FUTEX_WAKE_PRIVATE
    mov x2, #0x7fffffff
    mov x8, #__NR_futex
    svc #0
    b 3b

    .globl thaw_leave
    .hidden thaw_leave
thaw_leave:
    mov x0, x21
    mov x1, x22
    mov x8, #__NR_munmap
    svc #0
    mov x0, #0
    mov x8, #__NR_exit
    svc #0
    brk #0

    .globl thaw_signal_return
    .hidden thaw_signal_return
thaw_signal_return:
    mov x8, #__NR_rt_sigreturn
    svc #0
    brk #0

    .section .note.GNU-stack, "", %progbits
