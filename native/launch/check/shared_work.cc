#include "launch/check/shared_work.h"

#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <new>

#include "support/silent_child.h"

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
  wanted_ = helpers;
}

SharedWork::~SharedWork() {
  wait();
  if (state_ != &own_) munmap(state_, sizeof(State));
}

/// Where there can be none, everything is done here.
bool SharedWork::start_helper() {
  const pid_t parent = getpid();
  const long child = fork_silently();
  if (child == 0) die_with(parent);
  if (child > 0) helpers_[helper_count_++] = static_cast<int>(child);
  return child != 0;
}

void SharedWork::leave(int status) {
  _exit(status);
}

void SharedWork::note(uint32_t what) {
  uint32_t known = state_->found;
  while (what < known && !state_->found.compare_exchange_weak(known, what)) {
  }
}

bool SharedWork::hand_over() {
  uint32_t teller = kOpen;
  return state_->teller.compare_exchange_strong(teller, kHelpers);
}

bool SharedWork::take_back() {
  uint32_t teller = kHelpers;
  return state_->teller.compare_exchange_strong(teller, kThisProcess) || teller != kOneOfThem;
}

bool SharedWork::is_left_to_helpers() {
  uint32_t teller = kOpen;
  if (state_->teller.compare_exchange_strong(teller, kThisProcess)) return false;
  return teller == kHelpers && state_->teller.compare_exchange_strong(teller, kOneOfThem);
}

void SharedWork::wait() {
  for (const int helper : helpers()) await_silent(helper);
  helper_count_ = 0;
}

std::optional<SharedWork::Found> SharedWork::found() const {
  const uint32_t what = state_->found;
  if (what == kNothing) return std::nullopt;
  return Found{what >> kWhatBits, what & ((1u << kWhatBits) - 1)};
}

}  // namespace thaw::launch
