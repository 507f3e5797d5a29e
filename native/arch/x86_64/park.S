// The stubs of the thaw area that end a launch; no stack is theirs to use.
//   park:   rbx = stack pointer for rt_sigreturn, r12 = park word. Counts itself in the word behind the park word, waits
//           until the park word is set, then becomes the thread of the signal frame.
//   finish: rbx, r12 as above, r13 and r14 = address and size to unmap first. Sets the park word and wakes all. Before, it tells of a fork, on a
//           stack of the area.
//   leave:  r13 and r14 = address and size to unmap. Ends the calling thread.
//   signal_return: where the handler of blob/cold.cc returns to (sa_restorer).
#include <asm/unistd.h>

#define FUTEX_WAIT_PRIVATE 128
#define FUTEX_WAKE_PRIVATE 129

    .section .text.park, "ax"
    .globl thaw_park
    .hidden thaw_park
thaw_park:
    lock incl 4(%r12)
    lea 4(%r12), %rdi
    mov $FUTEX_WAKE_PRIVATE, %esi
    mov $1, %edx
    mov $__NR_futex, %eax
    syscall
1:  cmpl $0, (%r12)
    jne 2f
    mov %r12, %rdi
    mov $FUTEX_WAIT_PRIVATE, %esi
    xor %edx, %edx
    xor %r10d, %r10d
    mov $__NR_futex, %eax
    syscall
    jmp 1b
2:  mov %rbx, %rsp
    mov $__NR_rt_sigreturn, %eax
    syscall
    hlt

    .globl thaw_finish
    .hidden thaw_finish
thaw_finish:
    test %r14, %r14
    jz 3f
    mov %r13, %rdi
    mov %r14, %rsi
    mov $__NR_munmap, %eax
    syscall
3:  mov thaw_fork_stack(%rip), %rsp
    test %rsp, %rsp
    jz 4f
    call thaw_tell_of_fork
4:  movl $1, (%r12)
    mov %r12, %rdi
    mov $FUTEX_WAKE_PRIVATE, %esi
    mov $0x7fffffff, %edx
    mov $__NR_futex, %eax
    syscall
    jmp 2b

    .globl thaw_leave
    .hidden thaw_leave
thaw_leave:
    mov %r13, %rdi
    mov %r14, %rsi
    mov $__NR_munmap, %eax
    syscall
    xor %edi, %edi
    mov $__NR_exit, %eax
    syscall
    hlt

    .globl thaw_signal_return
    .hidden thaw_signal_return
thaw_signal_return:
    mov $__NR_rt_sigreturn, %eax
    syscall
    hlt

    .section .note.GNU-stack, "", %progbits
