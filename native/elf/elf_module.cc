#include "elf/elf_module.h"

#include <elf.h>

#include <algorithm>
#include <cstring>

namespace thaw::elf {
namespace {

constexpr uint64_t kHeaderPage = 4096;
constexpr uint64_t kMostSymbols = 1 << 20, kMostStrings = 64 << 20, kMostEntries = 4096;

struct Elf64 {
  using Ehdr = Elf64_Ehdr;
  using Phdr = Elf64_Phdr;
  using Dyn = Elf64_Dyn;
  using Sym = Elf64_Sym;
  using Word = uint64_t;
};
struct Elf32 {
  using Ehdr = Elf32_Ehdr;
  using Phdr = Elf32_Phdr;
  using Dyn = Elf32_Dyn;
  using Sym = Elf32_Sym;
  using Word = uint32_t;
};

Error bad(const char* what) {
  return Error{0, std::string("not a module with symbols: ") + what};
}

template <typename Class>
class Reader {
 public:
  Reader(uint64_t start, const ReadMemory& read) : start_(start), read_(read) {}

  [[nodiscard]] bool is_go() const { return is_go_; }

  /// Beside the functions, which symbols() answers.
  [[nodiscard]] std::vector<Symbol> take_variables() { return std::move(variables_); }

  Result<std::vector<Symbol>> symbols() {
    THAW_TRY(read_segments());
    THAW_TRY(read_dynamic());
    THAW_ASSIGN(count, symbol_count());
    return read_symbols(count);
  }

 private:
  template <typename T>
  Result<T> at(uint64_t address) {
    T value = {};
    THAW_TRY(read_(address, &value, sizeof(value)));
    return value;
  }

  Result<void> read_segments() {
    THAW_ASSIGN(header, at<typename Class::Ehdr>(start_));
    if (header.e_phentsize != sizeof(typename Class::Phdr) || header.e_phnum > 64)
      return bad("program headers");
    bool first = true;
    for (unsigned i = 0; i < header.e_phnum; ++i) {
      THAW_ASSIGN(segment, at<typename Class::Phdr>(start_ + header.e_phoff +
                                                    i * sizeof(typename Class::Phdr)));
      if (segment.p_type == PT_LOAD && first) {
        bias_ = start_ - (segment.p_vaddr - segment.p_offset);
        first = false;
      }
      if (segment.p_type == PT_NOTE && segment.p_offset < kHeaderPage)
        THAW_TRY(read_note(start_ + segment.p_offset));
      if (segment.p_type == PT_DYNAMIC) dynamic_ = segment.p_vaddr;
    }
    return dynamic_ == 0 ? Result<void>(bad("no dynamic section")) : Result<void>();
  }

  /// The first note of the segment; those of the Go linker stand in one of their own, near the
  /// headers.
  Result<void> read_note(uint64_t address) {
    struct Note {
      Elf32_Nhdr header;
      char name[4];
    };
    THAW_ASSIGN(note, at<Note>(address));
    if (note.header.n_namesz == 4 && memcmp(note.name, "Go", 3) == 0) is_go_ = true;
    return {};
  }

  /// ld.so of glibc adds the load address to pointers in place, musl's and the kernel (vDSO) do
  /// not.
  [[nodiscard]] uint64_t pointer(uint64_t value) const {
    return value >= start_ ? value : bias_ + value;
  }

  Result<void> read_dynamic() {
    for (uint64_t i = 0; i < kMostEntries; ++i) {
      THAW_ASSIGN(entry,
                  at<typename Class::Dyn>(bias_ + dynamic_ + i * sizeof(typename Class::Dyn)));
      switch (static_cast<int64_t>(entry.d_tag)) {
        case DT_NULL:
          return symtab_ == 0 || strtab_ == 0 ? Result<void>(bad("no symbol table"))
                                              : Result<void>();
        case DT_SYMTAB:
          symtab_ = pointer(entry.d_un.d_ptr);
          break;
        case DT_STRTAB:
          strtab_ = pointer(entry.d_un.d_ptr);
          break;
        case DT_STRSZ:
          strings_ = entry.d_un.d_val;
          break;
        case DT_HASH:
          hash_ = pointer(entry.d_un.d_ptr);
          break;
        case DT_GNU_HASH:
          gnu_hash_ = pointer(entry.d_un.d_ptr);
          break;
        default:
          break;
      }
    }
    return bad("endless dynamic section");
  }

  /// The symbol table does not say how long it is; its hash table does.
  Result<uint64_t> symbol_count() {
    if (gnu_hash_ != 0) return gnu_symbol_count();
    if (hash_ == 0) return bad("no hash table");
    THAW_ASSIGN(chains, at<uint32_t>(hash_ + 4));
    return uint64_t{chains};
  }

  Result<uint64_t> gnu_symbol_count() {
    struct Header {
      uint32_t buckets, first_symbol, bloom_words, shift;
    };
    THAW_ASSIGN(header, at<Header>(gnu_hash_));
    if (header.buckets > kMostSymbols || header.bloom_words > kMostSymbols)
      return bad("hash table");
    const uint64_t buckets_at =
        gnu_hash_ + sizeof(Header) + uint64_t{header.bloom_words} * sizeof(typename Class::Word);
    std::vector<uint32_t> buckets(header.buckets);
    THAW_TRY(read_(buckets_at, buckets.data(), buckets.size() * sizeof(uint32_t)));
    uint64_t last = 0;
    for (const uint32_t bucket : buckets) last = std::max<uint64_t>(last, bucket);
    if (last < header.first_symbol) return uint64_t{header.first_symbol};
    const uint64_t chains_at = buckets_at + buckets.size() * sizeof(uint32_t);
    for (; last < kMostSymbols; ++last) {  // The chain of the last bucket ends with bit 0 set.
      THAW_ASSIGN(link, at<uint32_t>(chains_at + (last - header.first_symbol) * sizeof(uint32_t)));
      if ((link & 1) != 0) break;
    }
    return last + 1;
  }

  Result<std::vector<Symbol>> read_symbols(uint64_t count) {
    if (count > kMostSymbols || strings_ > kMostStrings) return bad("too many symbols");
    std::vector<typename Class::Sym> table(count);
    std::string names(strings_, '\0');
    THAW_TRY(read_(symtab_, table.data(), table.size() * sizeof(table[0])));
    THAW_TRY(read_(strtab_, names.data(), names.size()));
    std::vector<Symbol> symbols;
    for (const auto& entry : table) {
      const unsigned type = entry.st_info & 0xf;
      const bool variable = type == STT_OBJECT;
      if (entry.st_shndx == SHN_UNDEF || (type != STT_FUNC && type != STT_NOTYPE && !variable) ||
          entry.st_name >= names.size())
        continue;
      (variable ? variables_ : symbols)
          .push_back({names.c_str() + entry.st_name, bias_ + entry.st_value, entry.st_size});
    }
    return symbols;
  }

  uint64_t start_;
  bool is_go_ = false;
  std::vector<Symbol> variables_;
  const ReadMemory& read_;
  uint64_t bias_ = 0, dynamic_ = 0, symtab_ = 0, strtab_ = 0, strings_ = 0, hash_ = 0,
           gnu_hash_ = 0;
};

}  // namespace

Result<Module> Module::read(uint64_t start, const ReadMemory& read) {
  unsigned char ident[EI_NIDENT] = {};
  THAW_TRY(read(start, ident, sizeof(ident)));
  if (memcmp(ident, ELFMAG, SELFMAG) != 0) return bad("no ELF header");
  Module module;
  auto fill = [&module](auto reader) -> Result<void> {
    THAW_ASSIGN(symbols, reader.symbols());
    module.symbols_ = std::move(symbols);
    module.variables_ = reader.take_variables();
    module.is_go_ = reader.is_go();
    return {};
  };
  THAW_TRY(ident[EI_CLASS] == ELFCLASS64 ? fill(Reader<Elf64>(start, read))
                                         : fill(Reader<Elf32>(start, read)));
  return module;
}

const Symbol* Module::find(std::string_view name) const {
  for (const Symbol& symbol : symbols_)
    if (symbol.name == name) return &symbol;
  return nullptr;
}

const Symbol* Module::find_variable(std::string_view name) const {
  for (const Symbol& variable : variables_)
    if (variable.name == name) return &variable;
  return nullptr;
}

}  // namespace thaw::elf
