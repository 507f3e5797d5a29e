#include "restore/vdso.h"

#include <asm/unistd.h>
#include <elf.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "arch/arch.h"
#include "elf/elf_image.h"

namespace thaw::restore {
namespace {

/// System calls of functions that an older kernel's vDSO may lack. Of getrandom only the first
/// three arguments matter: the state behind them is the function's own.
struct Fallback {
  const char* function;
  uint32_t number;
};
constexpr Fallback kFallbacks[] = {
    {"clock_gettime", __NR_clock_gettime},
    {"clock_getres", __NR_clock_getres},
    {"gettimeofday", __NR_gettimeofday},
    {"getcpu", __NR_getcpu},
    {"getrandom", __NR_getrandom},
#ifdef __NR_clock_gettime64
    {"clock_gettime64", __NR_clock_gettime64},
    {"clock_getres_time64", __NR_clock_getres_time64},
#endif
#ifdef __NR_time
    {"time", __NR_time},
#endif
};

/// Functions that use no data of the kernel: their old code goes on working.
constexpr const char* kSelfContained[] = {"__kernel_rt_sigreturn", "__vdso_sgx_enter_enclave"};

constexpr uint64_t kThumb = 1;  ///< in the address of a function, on ARM

uint64_t code_address(uint64_t function) {
#ifdef __arm__
  return function & ~kThumb;
#else
  return function;
#endif
}

Result<elf::ElfImage> open_vdso(std::span<const uint8_t> bytes, uint64_t address) {
  return elf::ElfImage::open(address,
                             [bytes, address](uint64_t at, void* out, size_t size) -> Result<void> {
                               const uint64_t offset = at - address;
                               if (offset > bytes.size() || size > bytes.size() - offset)
                                 return Error{0, "the vDSO ends too early"};
                               memcpy(out, bytes.data() + offset, size);
                               return {};
                             });
}

/// Without the CPU's prefix: __vdso_time, __kernel_time and time are one function.
std::string_view plain_name(std::string_view name) {
  for (const std::string_view prefix : {"__vdso_", "__kernel_"})
    if (name.starts_with(prefix)) return name.substr(prefix.size());
  return name;
}

class Patcher {
 public:
  Patcher(std::span<const uint8_t> old_vdso, uint64_t old_address, const elf::ElfImage& old_image,
          const elf::ElfImage& new_image)
      : bytes_(old_vdso.begin(), old_vdso.end()),
        address_(old_address),
        old_(old_image),
        new_(new_image) {}

  Result<std::vector<uint8_t>> run() {
    for (const elf::Symbol& symbol : old_.symbols())
      if (symbol.type == STT_FUNC && !is_self_contained(symbol)) THAW_TRY(redirect(symbol));
    return std::move(bytes_);
  }

 private:
  static bool is_self_contained(const elf::Symbol& symbol) {
    return std::any_of(std::begin(kSelfContained), std::end(kSelfContained),
                       [&symbol](const char* name) { return symbol.name == name; });
  }

  Result<void> redirect(const elf::Symbol& symbol) {
    if (const auto target = new_.find(symbol.name); target && target->type == STT_FUNC)
      return write(symbol, arch::jump_code(symbol.address, target->address));
    for (const Fallback& fallback : kFallbacks)
      if (plain_name(symbol.name) == fallback.function)
        return write(symbol, arch::syscall_code(symbol.address, fallback.number));
    return Error{0, "this kernel's vDSO has no " + symbol.name + ", which the app may use"};
  }

  Result<void> write(const elf::Symbol& symbol, const std::vector<uint8_t>& code) {
    const uint64_t at = code_address(symbol.address);
    if (at - address_ > bytes_.size() || code.size() > end_of_room(at) - at)
      return Error{0, "the vDSO's function " + symbol.name + " has no room for a jump"};
    memcpy(&bytes_[at - address_], code.data(), code.size());
    return {};
  }

  /// Up to the next function: what lies between the end of one and the next is padding.
  [[nodiscard]] uint64_t end_of_room(uint64_t at) const {
    uint64_t end = address_ + bytes_.size();
    for (const elf::Symbol& symbol : old_.symbols()) {
      const uint64_t start = code_address(symbol.address);
      if (symbol.type == STT_FUNC && start > at) end = std::min(end, start);
    }
    return end;
  }

  std::vector<uint8_t> bytes_;
  uint64_t address_;
  const elf::ElfImage& old_;
  const elf::ElfImage& new_;
};

}  // namespace

Result<std::vector<uint8_t>> vdso_trampolines(std::span<const uint8_t> old_vdso,
                                              std::span<const uint8_t> new_vdso,
                                              uint64_t old_address, uint64_t new_address) {
  THAW_ASSIGN(old_image, open_vdso(old_vdso, old_address));
  THAW_ASSIGN(new_image, open_vdso(new_vdso, new_address));
  return Patcher(old_vdso, old_address, old_image, new_image).run();
}

}  // namespace thaw::restore
