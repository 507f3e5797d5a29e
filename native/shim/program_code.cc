#include "shim/program_code.h"

#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace thaw::shim {
namespace {

constexpr uint64_t kMostFunctions = 1 << 22;
constexpr uint64_t kMostBytes = uint64_t{1} << 30;
constexpr unsigned char kElfClass = sizeof(long) == 8 ? ELFCLASS64 : ELFCLASS32;

uint64_t round_down(uint64_t value, uint64_t unit) {
  return value / unit * unit;
}

uint64_t round_up(uint64_t value, uint64_t unit) {
  return round_down(value + unit - 1, unit);
}

template <typename T>
std::optional<T> read_at(const elf::ReadMemory& read, uint64_t address) {
  T value = {};
  if (!read(address, &value, sizeof(value))) return {};
  return value;
}

/// Sorted; one for each start, and none reaches into the next.
void untangle(std::vector<AddressRange>& functions) {
  std::sort(functions.begin(), functions.end(), [](const AddressRange& a, const AddressRange& b) {
    return a.start != b.start ? a.start < b.start : a.end > b.end;
  });
  functions.erase(
      std::unique(functions.begin(), functions.end(),
                  [](const AddressRange& a, const AddressRange& b) { return a.start == b.start; }),
      functions.end());
  for (size_t i = 0; i + 1 < functions.size(); ++i)
    functions[i].end = std::min(functions[i].end, functions[i + 1].start);
}

/// What stands in a program's file, by its section headers, which stripping leaves alone.
class Sections {
 public:
  explicit Sections(int file) : file_(file) {
    ElfW(Ehdr) header = {};
    if (file < 0 || !read(0, &header, sizeof(header)) || header.e_shentsize != sizeof(ElfW(Shdr)))
      return;
    all_.resize(header.e_shnum);
    if (!read(header.e_shoff, all_.data(), all_.size() * sizeof(all_[0]))) all_.clear();
    if (header.e_shstrndx < all_.size()) names_ = bytes<char>(all_[header.e_shstrndx]);
    names_.push_back('\0');
  }

  [[nodiscard]] const ElfW(Shdr) * find(std::string_view name) const {
    for (const ElfW(Shdr) & section : all_)
      if (section.sh_name < names_.size() && name == &names_[section.sh_name]) return &section;
    return nullptr;
  }
  [[nodiscard]] bool is_code(unsigned index) const {
    return index < all_.size() && (all_[index].sh_flags & SHF_EXECINSTR) != 0;
  }
  [[nodiscard]] const std::vector<ElfW(Shdr)>& all() const { return all_; }
  template <typename T>
  [[nodiscard]] std::vector<T> bytes(const ElfW(Shdr) & section) const {
    std::vector<T> content(std::min<uint64_t>(section.sh_size, kMostBytes) / sizeof(T));
    if (!read(section.sh_offset, content.data(), content.size() * sizeof(T))) content.clear();
    return content;
  }

 private:
  bool read(uint64_t offset, void* out, size_t size) const {
    return pread(file_, out, size, static_cast<off_t>(offset)) == static_cast<ssize_t>(size);
  }

  int file_;
  std::vector<ElfW(Shdr)> all_;
  std::vector<char> names_;
};

/// Linux Standard Base, "Exception Frames": .eh_frame, as far as it is written as compilers for these
/// CPUs write it. The linker gives it the addresses of the file.
class Unwinding {
 public:
  Unwinding(std::vector<uint8_t> bytes, uint64_t address)
      : bytes_(std::move(bytes)), address_(address) {}

  void add_to(std::vector<AddressRange>& functions, uint64_t bias) {
    for (size_t at = 0; at + 2 * sizeof(uint32_t) <= bytes_.size();) {
      const size_t body = at + sizeof(uint32_t), next = body + word(at);
      if (word(at) == 0 || next > bytes_.size()) return;
      if (word(body) == 0)
        read_common(at, body + sizeof(uint32_t), next);
      else
        add_function(body, functions, bias);
      at = next;
    }
  }

 private:
  struct Common {
    bool known = false;            ///< functions are told by distances of 32 bits
    bool of_signal_frame = false;  ///< they begin a byte later than they say
  };

  [[nodiscard]] uint32_t word(size_t at) const {
    uint32_t value = 0;
    if (at + sizeof(value) <= bytes_.size()) memcpy(&value, &bytes_[at], sizeof(value));
    return value;
  }

  /// Version, augmentation, alignments, return register; then what the augmentation's letters say.
  void read_common(size_t entry, size_t at, size_t end) {
    constexpr uint8_t kPcrelSdata4 = 0x1b;
    constexpr size_t kPersonality = 5;
    Common& common = common_[entry];
    const auto* text = reinterpret_cast<const char*>(&bytes_[at]) + 1;
    const std::string letters(text, strnlen(text, end - at - 1));
    if (!letters.starts_with('z')) return;
    at += 1 + letters.size() + 1;
    for (int i = 0; i < 4; ++i) {  // Three numbers and the length of what follows.
      while (at < end && (bytes_[at] & 0x80) != 0) ++at;
      ++at;
    }
    for (const char letter : letters.substr(1)) {
      if (at >= end && letter != 'S') return;
      if (letter == 'R') common.known = bytes_[at] == kPcrelSdata4;
      if (letter == 'S') common.of_signal_frame = true;
      if (letter == 'P' && bytes_[at] % 16 != 0x0b && bytes_[at] % 16 != 0x03) return;
      at += letter == 'P' ? kPersonality : letter == 'S' || letter == 'B' ? 0 : 1;
    }
  }

  /// Distance back to the common part, start, size.
  void add_function(size_t body, std::vector<AddressRange>& functions, uint64_t bias) const {
    const auto common = common_.find(body - word(body));
    if (common == common_.end() || !common->second.known) return;
    const size_t place = body + sizeof(uint32_t);
    const auto distance = static_cast<int32_t>(word(place));
    const uint64_t start = bias + address_ + place + static_cast<uint64_t>(int64_t{distance});
    functions.push_back(
        {start + (common->second.of_signal_frame ? 1 : 0), start + word(place + sizeof(uint32_t))});
  }

  std::vector<uint8_t> bytes_;
  uint64_t address_;
  std::map<size_t, Common> common_;
};

void add_unwinding(const StaticProgram& program, const Sections& sections,
                   std::vector<AddressRange>& functions) {
  const ElfW(Shdr)* frames = sections.find(".eh_frame");
  if (frames == nullptr) return;
  Unwinding(sections.bytes<uint8_t>(*frames), frames->sh_addr).add_to(functions, program.bias);
}

/// The head of Go's table of functions (runtime.pcHeader), from Go 1.18 on.
struct GoHeader {
  uint32_t magic;
  uint8_t zero[2], quantum, pointer_size;
  uintptr_t functions, files, code_start;
  uintptr_t names, units, file_table, pc_table, function_table;
};

bool is_go_header(const GoHeader& header, const StaticProgram& program) {
  constexpr uint32_t k118 = 0xfffffff0, k120 = 0xfffffff1;
  return (header.magic == k118 || header.magic == k120) && header.zero[0] == 0 &&
         header.zero[1] == 0 && header.pointer_size == sizeof(uintptr_t) && header.functions != 0 &&
         header.functions < kMostFunctions && header.code_start >= program.code.start &&
         header.code_start < program.code.end;
}

/// Pairs of 32 bits, of which the first is a function's distance from the code's start; one more
/// tells where the last one ends.
void add_go_functions(const GoHeader& header, uint64_t table, const elf::ReadMemory& read,
                      std::vector<AddressRange>& functions) {
  std::vector<uint32_t> rows(2 * header.functions + 1);
  if (!read(table, rows.data(), rows.size() * sizeof(rows[0]))) return;
  for (size_t i = 0; i + 2 < rows.size(); i += 2)
    functions.push_back({header.code_start + rows[i], header.code_start + rows[i + 2]});
}

std::vector<uintptr_t> words_of(const AddressRange& range, const elf::ReadMemory& read) {
  std::vector<uintptr_t> words(std::min(range.size(), kMostBytes) / sizeof(uintptr_t));
  if (!read(range.start, words.data(), words.size() * sizeof(uintptr_t))) words.clear();
  return words;
}

void add_go(const StaticProgram& program, const elf::ReadMemory& read,
            std::vector<AddressRange>& functions) {
  for (const AddressRange& data : program.data) {
    const std::vector<uintptr_t> words = words_of(data, read);
    for (size_t i = 0; i + sizeof(GoHeader) / sizeof(uintptr_t) <= words.size(); ++i) {
      GoHeader header;
      memcpy(&header, &words[i], sizeof(header));
      if (is_go_header(header, program))
        add_go_functions(header, data.start + i * sizeof(uintptr_t) + header.function_table, read,
                         functions);
    }
  }
}

/// "$" and a letter, alone or before a dot: what is from there on (ELF for the Arm Architecture, 5.5.5).
bool is_mapping_symbol(std::string_view name) {
  return name.size() >= 2 && name[0] == '$' && (name.size() == 2 || name[2] == '.');
}

/// What `take(start, end, type, name)` is called with: the labels of all code.
template <typename Take>
void each_label(const StaticProgram& program, const Sections& sections, const Take& take) {
  const ElfW(Shdr)* table = sections.find(".symtab");
  const ElfW(Shdr)* strings = sections.find(".strtab");
  if (table == nullptr || strings == nullptr) return;
  std::vector<char> names = sections.bytes<char>(*strings);
  names.push_back('\0');
  for (const auto& symbol : sections.bytes<ElfW(Sym)>(*table)) {
    if (!sections.is_code(symbol.st_shndx) || symbol.st_name >= names.size()) continue;
    const uint64_t start = arch::instruction_address(program.bias + symbol.st_value);
    take(AddressRange{start, start + symbol.st_size}, ELF32_ST_TYPE(symbol.st_info),
         std::string_view(&names[symbol.st_name]));
  }
}

/// Functions, and labels of code in assembly, which need not tell their size; mapping symbols.
void add_symbols(const StaticProgram& program, const Sections& sections, Contents& contents) {
  each_label(program, sections, [&](AddressRange range, unsigned type, std::string_view name) {
    const bool wanted = type == STT_FUNC || type == STT_NOTYPE || type == STT_GNU_IFUNC;
    if (type == STT_NOTYPE && is_mapping_symbol(name))
      contents.marks.push_back({range.start, name[1]});
    else if (wanted && !is_mapping_symbol(name))
      contents.functions.push_back(range);
  });
}

void mark_sections(const StaticProgram& program, const Sections& sections,
                   std::vector<arch::Mark>& marks) {
  for (const ElfW(Shdr) & section : sections.all()) {
    if ((section.sh_flags & SHF_EXECINSTR) == 0) continue;
    const uint64_t start = program.bias + section.sh_addr;
    marks.push_back({start, 'c'});
    marks.push_back({start + section.sh_size, 'd'});
  }
}

/// By Go's own table of its functions.
arch::GoShare share_of(const std::vector<AddressRange>& functions, const StaticProgram& program) {
  // C within it would come behind Go's own functions, or before them.
  constexpr uint64_t kMostOther = 16 << 10;
  uint64_t size = 0;
  for (const AddressRange& function : functions) size += function.size();
  if (functions.empty()) return arch::GoShare::none;
  return size + kMostOther >= program.code.size() ? arch::GoShare::all : arch::GoShare::some;
}

}  // namespace

std::optional<StaticProgram> read_static_program(uint64_t start, const elf::ReadMemory& read,
                                                 size_t page_size) {
  constexpr unsigned kMostSegments = 64;
  const auto header = read_at<ElfW(Ehdr)>(read, start);
  if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
      header->e_ident[EI_CLASS] != kElfClass || header->e_phentsize != sizeof(ElfW(Phdr)) ||
      header->e_phnum > kMostSegments || header->e_entry == 0)
    return {};
  StaticProgram program;
  program.start = start;
  std::vector<ElfW(Phdr)> segments(header->e_phnum);
  if (!read(start + header->e_phoff, segments.data(), segments.size() * sizeof(segments[0])))
    return {};
  const auto first = std::find_if(segments.begin(), segments.end(),
                                  [](const ElfW(Phdr) & one) { return one.p_type == PT_LOAD; });
  if (first == segments.end()) return {};
  program.bias = start - (first->p_vaddr - first->p_offset);
  for (const ElfW(Phdr) & segment : segments) {
    const uint64_t address = program.bias + segment.p_vaddr;
    if (segment.p_type == PT_INTERP) return {};
    if (segment.p_type != PT_LOAD) continue;
    const bool executable = (segment.p_flags & PF_X) != 0;
    if (executable && program.code.end != 0) return {};
    const AddressRange bytes = {address, address + segment.p_filesz};
    if (executable)
      program.code = {round_down(bytes.start, page_size), bytes.end};
    else
      program.data.push_back({round_up(bytes.start, sizeof(uintptr_t)), bytes.end});
  }
  if (program.code.end == 0 || program.code.size() > kMostBytes) return {};
  program.code.end = round_up(program.code.end, page_size);
  return program;
}

Contents contents_of(const StaticProgram& program, const elf::ReadMemory& read, int file) {
  Contents contents;
  auto& [functions, marks, go] = contents;
  add_go(program, read, functions);
  go = share_of(functions, program);
  const Sections sections(file);
  add_unwinding(program, sections, functions);
  mark_sections(program, sections, marks);
  add_symbols(program, sections, contents);
  std::erase_if(functions, [&program](const AddressRange& one) {
    return one.start < program.code.start || one.end > program.code.end || one.end < one.start;
  });
  untangle(functions);
  std::stable_sort(marks.begin(), marks.end(),
                   [](const arch::Mark& a, const arch::Mark& b) { return a.address < b.address; });
  return contents;
}

std::vector<uint64_t> pointers_to_code(const StaticProgram& program, const elf::ReadMemory& read) {
  std::vector<uint64_t> pointers;
  auto look_in = [&](const AddressRange& range) {
    for (const uintptr_t word : words_of(range, read))
      if (word >= program.code.start && word < program.code.end) pointers.push_back(word);
  };
  look_in(program.code);
  for (const AddressRange& data : program.data) look_in(data);
  std::sort(pointers.begin(), pointers.end());
  pointers.erase(std::unique(pointers.begin(), pointers.end()), pointers.end());
  return pointers;
}

}  // namespace thaw::shim
