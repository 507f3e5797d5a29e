#include "elf/build_id.h"

#include <elf.h>
#include <unistd.h>

#include <cstring>
#include <vector>

namespace thaw::elf {
namespace {

constexpr size_t kMaxNotes = 65536;

/// The build-id within a note segment (elf(5), "Notes").
std::string find_note(const std::vector<char>& notes) {
  for (size_t at = 0; at + sizeof(Elf32_Nhdr) <= notes.size();) {
    Elf32_Nhdr note = {};  // The same for both classes.
    memcpy(&note, notes.data() + at, sizeof(note));
    auto padded = [](uint64_t size) { return (size + 3) / 4 * 4; };
    const uint64_t name = at + sizeof(note), bytes = name + padded(note.n_namesz);
    if (bytes + note.n_descsz > notes.size()) return {};
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
        memcmp(notes.data() + name, "GNU", 4) == 0)
      return {notes.data() + bytes, note.n_descsz};
    at = static_cast<size_t>(bytes + padded(note.n_descsz));
  }
  return {};
}

template <typename Ehdr, typename Phdr>
std::string read_build_id(int fd) {
  Ehdr header = {};
  if (pread(fd, &header, sizeof(header), 0) != ssize_t{sizeof(header)} ||
      header.e_phentsize != sizeof(Phdr))
    return {};
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Phdr segment = {};
    const auto at = static_cast<off_t>(header.e_phoff + i * sizeof(segment));
    if (pread(fd, &segment, sizeof(segment), at) != ssize_t{sizeof(segment)}) return {};
    if (segment.p_type != PT_NOTE || segment.p_filesz > kMaxNotes) continue;
    std::vector<char> notes(segment.p_filesz);
    if (pread(fd, notes.data(), notes.size(), static_cast<off_t>(segment.p_offset)) !=
        static_cast<ssize_t>(notes.size()))
      return {};
    std::string id = find_note(notes);
    if (!id.empty()) return id;
  }
  return {};
}

}  // namespace

std::string build_id(int fd) {
  unsigned char ident[EI_NIDENT] = {};
  if (pread(fd, ident, sizeof(ident), 0) != ssize_t{sizeof(ident)} ||
      memcmp(ident, ELFMAG, SELFMAG) != 0)
    return {};
  if (ident[EI_CLASS] == ELFCLASS64) return read_build_id<Elf64_Ehdr, Elf64_Phdr>(fd);
  return read_build_id<Elf32_Ehdr, Elf32_Phdr>(fd);
}

}  // namespace thaw::elf
