// The shim as bytes of thaw.node.
    .section .rodata.thaw_shim, "a"
    .balign 64
    .globl thaw_shim_start
    .globl thaw_shim_end
thaw_shim_start:
    .incbin "shim.bin"
thaw_shim_end:
    .byte 0
    .section .note.GNU-stack, "", %progbits
