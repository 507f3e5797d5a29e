// Stubs of call sites (code/call_sites.cc) come here in place of a system call instruction, with the
// number in eax and the instruction's address in rcx. As the kernel does, this preserves all but rax,
// rcx, r11 and the flags.
#include <asm/unistd.h>

    .section .text, "ax"
    .globl thaw_shim_site
    .hidden thaw_shim_site
thaw_shim_site:
    cmpl $__NR_mmap, %eax
    je 1f
    cmpl $__NR_mprotect, %eax
    je 1f
    cmpl $__NR_munmap, %eax
    je 1f
    cmpl $__NR_mremap, %eax
    je 1f
    cmpl $__NR_madvise, %eax
    je 1f
    cmpl $__NR_pkey_mprotect, %eax
    je 1f
    jmp *%rcx
1:  addq $2, %rcx // behind the instruction
    leaq -128(%rsp), %rsp // red zone
    pushq %rbp
    movq %rsp, %rbp
    pushq %rcx
    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    subq $64, %rsp
    andq $-16, %rsp
    movl %eax, %eax
    movq %rax, (%rsp) // SiteCall of shim/blob/sites.cc
    movq %rdi, 8(%rsp)
    movq %rsi, 16(%rsp)
    movq %rdx, 24(%rsp)
    movq %r10, 32(%rsp)
    movq %r8, 40(%rsp)
    movq %r9, 48(%rsp)
    movq %rsp, %rdi
    call thaw_shim_site_call
    leaq -64(%rbp), %rsp
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdx
    popq %rsi
    popq %rdi
    popq %rcx
    popq %rbp
    leaq 128(%rsp), %rsp
    jmp *%rcx

// long thaw_shim_on_stack(stack, function, argument)
    .globl thaw_shim_on_stack
    .hidden thaw_shim_on_stack
thaw_shim_on_stack:
    pushq %rbp
    movq %rsp, %rbp
    movq %rdi, %rsp
    movq %rdx, %rdi
    call *%rsi
    movq %rbp, %rsp
    popq %rbp
    ret
    .section .note.GNU-stack, "", %progbits
