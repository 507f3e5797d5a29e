#include "launch/check/shared_work.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>

namespace thaw::launch {
namespace {

/// A process costs its maker some 100 us, as this many rows do.
constexpr uint32_t kWorthHelper = 512;

/// CPUs that this process may run on, besides the one that it is on.
uint32_t other_cpus() {
  cpu_set_t cpus;
  if (sched_getaffinity(0, sizeof(cpus), &cpus) != 0) return 0;
  return static_cast<uint32_t>(std::max(CPU_COUNT(&cpus), 1) - 1);
}

}  // namespace

SharedWork::SharedWork(uint32_t count, bool may_have_helpers) : count_(count) {
  if (!may_have_helpers || count < kWorthHelper) return;
  const uint32_t helpers = std::min({other_cpus(), count / kWorthHelper, kMostHelpers});
  if (helpers == 0) return;
  void* shared =
      mmap(nullptr, sizeof(State), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return;
  state_ = new (shared) State;
  helper_count_ = helpers;
}

SharedWork::~SharedWork() {
  if (state_ != &own_) munmap(state_, sizeof(State));
}

/// With no signal at its end, for which the caller may have a disposition. Where there can be none,
/// everything is done here.
bool SharedWork::start_helper(uint32_t index) {
  const long child = syscall(SYS_clone, 0, 0, 0, 0, 0);
  if (child > 0) helpers_[index] = static_cast<int>(child);
  return child != 0;
}

void SharedWork::leave() {
  _exit(0);
}

void SharedWork::tell(uint32_t what) {
  uint32_t known = state_->found;
  while (what < known && !state_->found.compare_exchange_weak(known, what)) {
  }
}

bool SharedWork::all_done() {
  for (const int helper : helpers_)
    while (helper != 0 && waitpid(helper, nullptr, __WCLONE) < 0 && errno == EINTR) {
    }
  return state_->found != kNothing || state_->done == count_;
}

std::optional<SharedWork::Found> SharedWork::found() const {
  const uint32_t what = state_->found;
  if (what == kNothing) return std::nullopt;
  return Found{what >> kWhatBits, what & ((1u << kWhatBits) - 1)};
}

}  // namespace thaw::launch
