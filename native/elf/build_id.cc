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

/// A file whose first page is read in one call: header, segments and note are there in all but a few.
class Start {
 public:
  explicit Start(int fd) : fd_(fd), size_(pread(fd, page_, sizeof(page_), 0)) {}

  bool read(void* to, size_t size, uint64_t at) const {
    const uint64_t there = size_ < 0 ? 0 : static_cast<uint64_t>(size_);
    if (at > there || size > there - at)
      return pread(fd_, to, size, static_cast<off_t>(at)) == static_cast<ssize_t>(size);
    memcpy(to, page_ + at, size);
    return true;
  }

 private:
  int fd_;
  char page_[4096];
  ssize_t size_;
};

template <typename Ehdr, typename Phdr>
std::string read_build_id(const Start& file) {
  Ehdr header = {};
  if (!file.read(&header, sizeof(header), 0) || header.e_phentsize != sizeof(Phdr)) return {};
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Phdr segment = {};
    if (!file.read(&segment, sizeof(segment), header.e_phoff + i * sizeof(segment))) return {};
    if (segment.p_type != PT_NOTE || segment.p_filesz > kMaxNotes) continue;
    std::vector<char> notes(segment.p_filesz);
    if (!file.read(notes.data(), notes.size(), segment.p_offset)) return {};
    std::string id = find_note(notes);
    if (!id.empty()) return id;
  }
  return {};
}

}  // namespace

std::string build_id(int fd) {
  const Start file(fd);
  unsigned char ident[EI_NIDENT] = {};
  if (!file.read(ident, sizeof(ident), 0) || memcmp(ident, ELFMAG, SELFMAG) != 0) return {};
  if (ident[EI_CLASS] == ELFCLASS64) return read_build_id<Elf64_Ehdr, Elf64_Phdr>(file);
  return read_build_id<Elf32_Ehdr, Elf32_Phdr>(file);
}

}  // namespace thaw::elf
