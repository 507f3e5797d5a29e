// No call sites are led here (code/call_sites.cc).
    .section .text, "ax"
    .globl thaw_shim_site, thaw_shim_on_stack
    .hidden thaw_shim_site, thaw_shim_on_stack
thaw_shim_site:
thaw_shim_on_stack:
    brk #0
    .section .note.GNU-stack, "", %progbits
