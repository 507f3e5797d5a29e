#include "launch/tree/coredump_filter.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "support/unique_fd.h"

namespace thaw::launch {
namespace {

constexpr const char* kFilter = "/proc/self/coredump_filter";
constexpr size_t kDigits = 8;  ///< hexadecimal, as the kernel shows it

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
  const UniqueFd file(open(kFilter, O_RDWR | O_CLOEXEC));
  char callers[sizeof(tree.callers_coredump_filter)] = {}, text[sizeof("0x00000000")];
  if (!file.valid() || read(file.get(), callers, kDigits) != ssize_t{kDigits}) return;
  snprintf(text, sizeof(text), "0x%08x", restorer::coredump_filter_of(view.root_process()));
  if (write(file.get(), text, sizeof(text) - 1) == ssize_t{sizeof(text) - 1})
    memcpy(tree.callers_coredump_filter, callers, sizeof(callers));
}

void put_back_coredump_filter(const restorer::Tree& tree) {
  if (tree.callers_coredump_filter[0] == '\0') return;
  const UniqueFd file(open(kFilter, O_WRONLY | O_CLOEXEC));
  char text[sizeof("0x00000000")];
  snprintf(text, sizeof(text), "0x%.8s", tree.callers_coredump_filter);
  if (file.valid()) (void)!write(file.get(), text, sizeof(text) - 1);
}

}  // namespace thaw::launch
