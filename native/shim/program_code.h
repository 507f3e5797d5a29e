// The code of a static program as it stands in a process's memory, and where its functions are.
#pragma once

#include <optional>

#include "arch/call_sites.h"
#include "elf/elf_module.h"

namespace thaw::shim {

/// A program without a loader, and without libraries.
struct StaticProgram {
  uint64_t start = 0;              ///< of its ELF header
  AddressRange code;               ///< of its executable segment, whole pages
  std::vector<AddressRange> data;  ///< its other segments, as far as they are of its file
  uint64_t bias = 0;               ///< what is added to the addresses of its file
};

/// The program whose ELF header is at `start`. Nothing where none is, where it is a library, or where
/// it has a loader.
std::optional<StaticProgram> read_static_program(uint64_t start, const elf::ReadMemory& read,
                                                 size_t page_size);

/// What is known of a program's code.
struct Contents {
  std::vector<AddressRange> functions;
  /// What its file says of where instructions and where constants begin, ascending; empty: nothing.
  std::vector<arch::Mark> marks;
  arch::GoShare go = arch::GoShare::none;
};

/// By all that tells of it: tables for unwinding, the table of Go's runtime, and the sections and
/// symbols of its file (`file`: open for reading, -1: none).
Contents contents_of(const StaticProgram& program, const elf::ReadMemory& read, int file);

/// Addresses within its code that its data hold, ascending.
std::vector<uint64_t> pointers_to_code(const StaticProgram& program, const elf::ReadMemory& read);

}  // namespace thaw::shim
