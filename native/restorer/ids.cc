#include "restorer/ids.h"

#include <asm-generic/mman-common.h>
#include <asm/stat.h>
#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/futex.h>

#include "arch/this_cpu.h"
#include "restorer/cold_start.h"
#include "restorer/tree.h"

namespace thaw::restorer {
namespace {

using model::IdForm;

/// Where an id stands may be unaligned: a number within code.
template <typename T>
struct __attribute__((packed)) Unaligned {
  T value;
};

template <typename T>
T load(uint64_t address) {
  return reinterpret_cast<const volatile Unaligned<T>*>(static_cast<uintptr_t>(address))->value;
}

template <typename T>
void store(uint64_t address, T value) {
  reinterpret_cast<volatile Unaligned<T>*>(static_cast<uintptr_t>(address))->value = value;
}

/// IEEE 754 binary64, without a floating-point unit.
uint64_t bits_of_double(uint32_t number) {
  constexpr int kFraction = 52, kBias = 1023;
  if (number == 0) return 0;
  const int exponent = 31 - __builtin_clz(number);
  const uint64_t fraction = uint64_t{number} << (kFraction - exponent);
  return (uint64_t{kBias} + static_cast<uint64_t>(exponent)) << kFraction |
         (fraction & ((uint64_t{1} << kFraction) - 1));
}

/// The digits, with a newline behind them that is not counted.
uint32_t decimal(uint32_t number, char (&text)[12]) {
  uint32_t size = 1;
  for (uint32_t rest = number; rest >= 10; rest /= 10) ++size;
  text[size] = '\n';
  for (uint32_t i = size; i-- > 0; number /= 10) text[i] = static_cast<char>('0' + number % 10);
  return size;
}

/// In bytes; the page behind may be another mapping, or none.
uint64_t size_of(IdForm form) {
  if (form == IdForm::real) return sizeof(uint64_t);
  const bool machine_word = form == IdForm::fixnum || form == IdForm::tagged;
  return machine_word ? sizeof(unsigned long) : sizeof(uint32_t);
}

void write(const model::IdPatch& patch, uint32_t id) {
  switch (patch.form) {
    case IdForm::word:
      return store<uint32_t>(patch.address, id);
    case IdForm::futex:
      return store<uint32_t>(patch.address,
                             (load<uint32_t>(patch.address) & ~uint32_t{FUTEX_TID_MASK}) | id);
    case IdForm::fixnum:
      return store<unsigned long>(patch.address, 2ul * id + 1);
    case IdForm::tagged:
      return store<unsigned long>(patch.address, 16ul * id + 15);
    case IdForm::smi:
      return store<uint32_t>(patch.address, 2 * id);
    case IdForm::real:
      return store<uint64_t>(patch.address, bits_of_double(id));
    case IdForm::clock:
      return store<uint32_t>(patch.address, cpu_clock(id, load<uint32_t>(patch.address)));
    case IdForm::text:
    case IdForm::pid_file:
    case IdForm::written_pid_file:
      return;
  }
}

/// A regular file under this name alone: nothing else that the image's path may lead to is changed.
bool is_plain_file(long fd) {
#ifdef __NR_fstatat64
  struct stat64 status = {};
  constexpr long kStat = __NR_fstatat64;
#else
  struct stat status = {};
  constexpr long kStat = __NR_newfstatat;
#endif
  constexpr uint32_t kType = 0170000, kRegular = 0100000;  // S_IFMT, S_IFREG
  return raw::call(kStat, fd, reinterpret_cast<long>(""), reinterpret_cast<long>(&status),
                   AT_EMPTY_PATH) == 0 &&
         (status.st_mode & kType) == kRegular && status.st_nlink == 1;
}

}  // namespace

void correct_ids(Handover& handover) {
  const uint32_t count = handover.process->id_patches.count;
  for (uint32_t i = 0; i < count; ++i) {
    const model::IdPatch& patch = handover.id_patches[i];
    const uint64_t page = handover.page_size;
    const uint64_t first = patch.address / page * page;
    const uint64_t end = (patch.address + size_of(patch.form) + page - 1) / page * page;
    const bool protects = patch.protect != 0 && (patch.prot & PROT_WRITE) == 0;
    const auto protect = [&](uint32_t prot) {
      if (!protects) return;
      check(handover,
            raw::call(__NR_mprotect, static_cast<long>(first), static_cast<long>(end - first),
                      static_cast<long>(prot)),
            "cannot put the new thread id into read-only memory", patch.address);
    };
    protect(patch.prot | PROT_READ | PROT_WRITE);
    write(patch, id_of_thread(handover, patch.thread));
    if ((patch.prot & PROT_EXEC) != 0) raw::sync_instructions(first, end);
    protect(patch.prot);
  }
}

void write_texts(const Handover& handover) {
  for (uint32_t i = 0; i < handover.text_count; ++i) {
    const ToldText& text = handover.texts[i];
    auto* to = reinterpret_cast<volatile char*>(static_cast<uintptr_t>(text.address));
    for (uint32_t at = 0; at < text.size; ++at) to[at] = text.bytes[at];
  }
}

void write_pid_files(const Handover& handover) {
  char text[12];
  uint32_t size = 0;
  for (uint32_t i = 0; i < handover.process->id_notices.count; ++i) {
    const model::IdNotice& notice = handover.id_notices[i];
    if (notice.form != IdForm::written_pid_file) continue;
    if (size == 0) size = decimal(static_cast<uint32_t>(raw::call(__NR_getpid)), text);
    const long fd = raw::call(__NR_openat, AT_FDCWD,
                              reinterpret_cast<long>(handover.blobs + notice.text.offset),
                              O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                              static_cast<long>(notice.mode));
    if (fd < 0) continue;
    if (is_plain_file(fd) && raw::call(__NR_ftruncate, fd, 0) == 0) {
      raw::call(__NR_write, fd, reinterpret_cast<long>(text), size);
      raw::call(__NR_write, fd, reinterpret_cast<long>(handover.blobs + notice.rest.offset),
                static_cast<long>(notice.rest.size));
    }
    raw::call(__NR_close, fd);
  }
}

}  // namespace thaw::restorer
