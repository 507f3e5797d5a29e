// The GNU build-id of an ELF file: tells whether two files hold the same program.
#pragma once

#include <string>

namespace thaw::elf {

/// Raw bytes of the build-id note, read from the program headers; empty if `fd` is not an ELF file
/// or has none.
std::string build_id(int fd);

}  // namespace thaw::elf
