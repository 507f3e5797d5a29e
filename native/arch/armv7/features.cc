// CPU features of ARMv7 as user space sees them: HWCAP bits (arch/arm/include/uapi/asm/hwcap.h).
// Cache maintenance goes through the kernel here, so that no program relies on line sizes.
#include <signal.h>
#include <sys/auxv.h>
#include <ucontext.h>

#include <cstring>

#include "arch/cpus.h"

namespace thaw::arch {
namespace {

enum Word { kHwcap, kHwcap2, kFrames };

/// Of the kernel, not of code: a 32-bit program is the same under LPAE and without, and timer
/// events come and go.
constexpr uint64_t kKernelsOwn = 1u << 20 | 1u << 21;

/// kFrames: a signal frame keeps room for iWMMXt registers in front of those of VFP. A kernel with
/// CONFIG_IWMMXT makes and takes such frames, on any CPU; one without takes VFP in front only.
constexpr uint64_t kIwmmxtRoom = 1;
/// Heads of the records in a frame (arch/arm/include/asm/ucontext.h).
struct RecordHead {
  uint32_t magic, size;
};
constexpr RecordHead kUnusedIwmmxt = {0xb0d9ed01, 160}, kVfp = {0x56465001, 288};

bool begins_with(std::span<const uint8_t> bytes, const RecordHead& head) {
  return bytes.size() >= sizeof(head) && memcmp(bytes.data(), &head, sizeof(head)) == 0;
}

bool has_iwmmxt_room(std::span<const uint8_t> frame_records) {
  return frame_records.size() > kUnusedIwmmxt.size && begins_with(frame_records, kUnusedIwmmxt) &&
         begins_with(frame_records.subspan(kUnusedIwmmxt.size), kVfp);
}

volatile sig_atomic_t frame_of_this_kernel_has_room = 0;

void look_at_frame(int, siginfo_t*, void* context) {
  const auto* records =
      reinterpret_cast<const uint8_t*>(static_cast<ucontext_t*>(context)->uc_regspace);
  frame_of_this_kernel_has_room =
      has_iwmmxt_room({records, sizeof(ucontext_t::uc_regspace)}) ? 1 : 0;
}

/// Only a signal shows it.
bool this_kernel_takes_iwmmxt_room() {
  struct sigaction look = {}, before = {};
  look.sa_sigaction = look_at_frame;
  look.sa_flags = SA_SIGINFO;
  sigset_t one, mask;
  sigemptyset(&one);
  sigaddset(&one, SIGURG);
  sigaction(SIGURG, &look, &before);
  pthread_sigmask(SIG_UNBLOCK, &one, &mask);
  raise(SIGURG);
  pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  sigaction(SIGURG, &before, nullptr);
  return frame_of_this_kernel_has_room != 0;
}

}  // namespace

const Cpu& kThisCpu = armv7::kCpu;

CpuFeatures cpu_features() {
  CpuFeatures features;
  features.words[kHwcap] = getauxval(AT_HWCAP) & ~kKernelsOwn;
  features.words[kHwcap2] = getauxval(AT_HWCAP2);
  return features;
}

const size_t kFrameSearch = 256 << 10;

void add_frame_features(std::span<const uint8_t> stack, CpuFeatures& features) {
  constexpr size_t kAlignment = 8;
  for (; stack.size() > kAlignment; stack = stack.subspan(kAlignment))
    if (has_iwmmxt_room(stack)) features.words[kFrames] |= kIwmmxtRoom;
}

const char* frame_problem(const CpuFeatures& needed) {
  if ((needed.words[kFrames] & kIwmmxtRoom) == 0 || this_kernel_takes_iwmmxt_room()) return nullptr;
  return "the app was in a signal handler, which cannot return under this kernel: its "
         "CONFIG_IWMMXT is another than at the checkpoint";
}

}  // namespace thaw::arch
