#include "launch/tree/coredump_filter.h"

#include <algorithm>

#include "support/unique_fd.h"

namespace thaw::launch {
namespace {

bool have_one_filter(const image::View& view) {
  const auto processes = view.processes();
  return std::all_of(processes.begin(), processes.end(), [&](const model::Process& process) {
    return process.state == model::ProcessState::zombie ||
           restorer::coredump_filter_of(process) == restorer::coredump_filter_of(processes[0]);
  });
}

}  // namespace

void replace_coredump_filter(const image::View& view, restorer::Tree& tree) {
  if (!have_one_filter(view)) return;
  const UniqueFd file(static_cast<int>(restorer::open_coredump_filter()));
  restorer::CoredumpFilter callers;
  if (file.get() >= 0 &&
      restorer::exchange_coredump_filter(
          file.get(), restorer::coredump_filter_of(view.root_process()), callers) >= 0)
    tree.callers_coredump_filter = callers;
}

}  // namespace thaw::launch
