// The restorer as bytes of thaw-exec.
    .section .rodata.thaw_restorer, "a"
    .balign 64
    .globl thaw_restorer_start
    .globl thaw_restorer_end
thaw_restorer_start:
    .incbin "restorer.bin"
thaw_restorer_end:
    .byte 0
    .section .note.GNU-stack, "", %progbits
