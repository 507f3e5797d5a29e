#include "elf/elf_image.h"

#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstring>

namespace thaw::elf {
namespace {

using Ehdr = ElfW(Ehdr);
using Phdr = ElfW(Phdr);
using Dyn = ElfW(Dyn);
using Sym = ElfW(Sym);
using Word = ElfW(Addr);  ///< of the GNU hash table's filter

constexpr unsigned char kClass = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;
constexpr size_t kMostSegments = 128;
constexpr size_t kMostDynamic = 512;
constexpr size_t kMostSymbols = 1 << 20;
constexpr size_t kMostStrings = 64 << 20;
constexpr size_t kMostNotes = 65536;

Error damaged(const char* what) {
  return Error{0, std::string("damaged ELF image: ") + what};
}

}  // namespace

Result<ElfImage> ElfImage::open(uint64_t base, ReadMemory read) {
  ElfImage image;
  image.read_ = std::move(read);
  THAW_TRY(image.read_segments(base));
  THAW_TRY(image.read_symbols());
  return image;
}

template <typename T>
Result<std::vector<T>> ElfImage::read_array(uint64_t address, size_t count) const {
  const uint64_t size = count * sizeof(T);
  if (address < start_ || address > end_ || size > end_ - address)
    return damaged("a table lies outside of it");
  std::vector<T> items(count);
  if (count != 0) THAW_TRY(read_(address, items.data(), size));
  return items;
}

Result<void> ElfImage::read_segments(uint64_t base) {
  Ehdr header = {};
  THAW_TRY(read_(base, &header, sizeof(header)));
  if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != kClass)
    return Error{0, "not an ELF image of this CPU"};
  if (header.e_phentsize != sizeof(Phdr) || header.e_phnum == 0 || header.e_phnum > kMostSegments)
    return damaged("program headers");
  std::vector<Phdr> headers(header.e_phnum);
  THAW_TRY(read_(base + header.e_phoff, headers.data(), headers.size() * sizeof(Phdr)));
  const auto first = std::find_if(headers.begin(), headers.end(),
                                  [](const Phdr& segment) { return segment.p_type == PT_LOAD; });
  if (first == headers.end()) return damaged("nothing to load");
  bias_ = base - (first->p_vaddr - first->p_offset);
  start_ = base;
  end_ = base;
  for (const Phdr& segment : headers) {
    const uint64_t address = bias_ + segment.p_vaddr;
    if (segment.p_type == PT_LOAD && address >= start_ && address + segment.p_memsz > end_)
      end_ = address + segment.p_memsz;
    segments_.push_back({address, segment.p_memsz, segment.p_type});
  }
  return {};
}

/// Loaders may have written the address over the file's value.
uint64_t ElfImage::absolute(uint64_t value) const {
  return value >= start_ && value < end_ ? value : bias_ + value;
}

Result<ElfImage::Dynamic> ElfImage::read_dynamic() const {
  Dynamic dynamic;
  for (const Segment& segment : segments_) {
    if (segment.type != PT_DYNAMIC) continue;
    const size_t count = std::min<uint64_t>(segment.size / sizeof(Dyn), kMostDynamic);
    THAW_ASSIGN(entries, read_array<Dyn>(segment.address, count));
    for (const Dyn& entry : entries) {
      const uint64_t value = entry.d_un.d_val;
      if (entry.d_tag == DT_NULL) break;
      if (entry.d_tag == DT_HASH) dynamic.hash = absolute(value);
      if (entry.d_tag == DT_GNU_HASH) dynamic.gnu_hash = absolute(value);
      if (entry.d_tag == DT_SYMTAB) dynamic.symbols = absolute(value);
      if (entry.d_tag == DT_STRTAB) dynamic.strings = absolute(value);
      if (entry.d_tag == DT_STRSZ) dynamic.strings_size = value;
    }
  }
  return dynamic;
}

Result<size_t> ElfImage::count_symbols(const Dynamic& dynamic) const {
  if (dynamic.hash == 0) return count_through_gnu_hash(dynamic.gnu_hash);
  THAW_ASSIGN(head, read_array<uint32_t>(dynamic.hash, 2));  // Buckets, chains.
  return size_t{head[1]};
}

/// The GNU table does not say how many symbols there are: the last one ends the longest chain.
Result<size_t> ElfImage::count_through_gnu_hash(uint64_t table) const {
  THAW_ASSIGN(head, read_array<uint32_t>(table, 4));
  const uint32_t bucket_count = head[0], first = head[1], filter_words = head[2];
  if (bucket_count > kMostSymbols || first > kMostSymbols || filter_words > kMostSymbols)
    return damaged("GNU hash table");
  const uint64_t buckets = table + 4 * sizeof(uint32_t) + filter_words * sizeof(Word);
  const uint64_t chains = buckets + bucket_count * sizeof(uint32_t);
  THAW_ASSIGN(heads, read_array<uint32_t>(buckets, bucket_count));
  uint32_t last = 0;
  for (const uint32_t bucket : heads) last = std::max(last, bucket);
  if (last < first) return size_t{first};  // Nothing but undefined symbols.
  for (; last < kMostSymbols; ++last) {
    THAW_ASSIGN(hash, read_array<uint32_t>(chains + (last - first) * sizeof(uint32_t), 1));
    if ((hash[0] & 1) != 0) return size_t{last} + 1;
  }
  return damaged("GNU hash table without an end");
}

Result<void> ElfImage::read_symbols() {
  THAW_ASSIGN(dynamic, read_dynamic());
  if (dynamic.symbols == 0 || dynamic.strings == 0 || (dynamic.hash == 0 && dynamic.gnu_hash == 0))
    return {};  // A static program.
  THAW_ASSIGN(count, count_symbols(dynamic));
  if (count > kMostSymbols || dynamic.strings_size > kMostStrings) return damaged("symbol table");
  THAW_ASSIGN(entries, read_array<Sym>(dynamic.symbols, count));
  THAW_ASSIGN(strings, read_array<char>(dynamic.strings, dynamic.strings_size));
  if (strings.empty() || strings.back() != '\0') return damaged("string table");
  for (const Sym& entry : entries) {
    if (entry.st_shndx == SHN_UNDEF || entry.st_name >= strings.size()) continue;
    symbols_.push_back({&strings[entry.st_name], bias_ + entry.st_value, entry.st_size,
                        static_cast<uint8_t>(entry.st_info & 0xf)});
  }
  return {};
}

std::optional<Symbol> ElfImage::find(std::string_view name) const {
  for (const Symbol& symbol : symbols_)
    if (symbol.name == name) return symbol;
  return std::nullopt;
}

Result<bool> ElfImage::has_note_of(std::string_view owner) const {
  for (const Segment& segment : segments_) {
    if (segment.type != PT_NOTE || segment.size > kMostNotes) continue;
    THAW_ASSIGN(bytes, read_array<char>(segment.address, segment.size));
    for (size_t at = 0; at + sizeof(ElfW(Nhdr)) <= bytes.size();) {
      ElfW(Nhdr) note = {};
      memcpy(&note, &bytes[at], sizeof(note));
      const uint64_t name = at + sizeof(note);
      if (note.n_namesz > bytes.size() - name) break;
      if (note.n_namesz > owner.size() && owner == std::string_view(&bytes[name], owner.size()) &&
          bytes[name + owner.size()] == '\0')
        return true;
      auto padded = [](uint64_t size) { return (size + 3) / 4 * 4; };
      const uint64_t next = name + padded(note.n_namesz) + padded(note.n_descsz);
      if (next > bytes.size()) break;
      at = static_cast<size_t>(next);
    }
  }
  return false;
}

}  // namespace thaw::elf
