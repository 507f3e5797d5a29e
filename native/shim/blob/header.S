// The blob starts with the offsets of what others jump to.
    .section .text.entry, "ax"
thaw_shim_header:
    .long thaw_park - thaw_shim_header
    .long thaw_finish - thaw_shim_header
    .section .note.GNU-stack, "", %progbits
