#include "image/tree.h"

#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <iterator>

namespace thaw::image {

using model::Index;
using model::kNone;
using model::Process;

std::vector<bool> born_before_session(std::span<const Process> processes) {
  constexpr Index kAny = kNone - 1;
  const auto count = static_cast<Index>(processes.size());
  // The session in which each has to be born.
  std::vector<Index> born(count, kAny);
  std::vector<bool> before(count, false);
  for (Index i = count; i-- > 0;) {
    const Process& process = processes[i];
    const bool leads = process.session == i;
    if (!leads && born[i] != kAny && born[i] != process.session) return {};
    if (!leads) born[i] = process.session;
    if (process.parent == kNone) break;
    const Process& parent = processes[process.parent];
    if (born[i] == kAny || born[i] == parent.session) continue;
    // The parent was there itself, before it began its own.
    if (parent.session != process.parent) return {};
    Index& parents = born[process.parent];
    if (parents != kAny && parents != born[i]) return {};
    parents = born[i];
    before[i] = true;
  }
  return before;
}

bool is_stop_status(uint32_t status) {
  constexpr int kStops[] = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
  return std::any_of(std::begin(kStops), std::end(kStops),
                     [status](int signal) { return status == stop_status(signal); });
}

bool is_end_of_process(uint32_t status) {
  constexpr int kHarmless[] = {SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP,
                               SIGTTIN, SIGTTOU, SIGURG,  SIGWINCH};
  if (status <= 0xffff && (status & 0xff) == 0) return true;
  return status >= 1 && status <= 64 &&
         std::find(std::begin(kHarmless), std::end(kHarmless), static_cast<int>(status)) ==
             std::end(kHarmless);
}

}  // namespace thaw::image
