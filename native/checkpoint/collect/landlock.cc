#include "checkpoint/collect/landlock.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "proc/refuse.h"
#include "support/file.h"

namespace thaw::checkpoint {
namespace {

constexpr unsigned kAskForVersion = 1;  // LANDLOCK_CREATE_RULESET_VERSION

bool kernel_has_landlock() {
  return syscall(SYS_landlock_create_ruleset, nullptr, 0, kAskForVersion) > 0;
}

/// Other security modules may forbid the same to an app that they confine.
bool is_confined_otherwise(pid_t pid) {
  auto label = read_file("/proc/" + std::to_string(pid) + "/attr/current");
  return label && !label.value().empty() && !label.value().starts_with("unconfined");
}

/// The first of the ids in a line of /proc/PID/status.
uint32_t id(std::string_view status, const char* key) {
  return static_cast<uint32_t>(number(split(line_value(status, key), "\t ")[0]));
}

/// Whether a thread of the process may have a domain that could be seen.
bool may_be_confined(pid_t pid, std::string_view status) {
  const bool may_have = line_value(status, "NoNewPrivs:") != "0" ||
                        (number(line_value(status, "CapPrm:"), 16) >> CAP_SYS_ADMIN & 1) != 0;
  return may_have && kernel_has_landlock() && !is_confined_otherwise(pid);
}

}  // namespace

Landlock::Landlock(pid_t pid) : pid_(pid) {
  const auto status = read_file("/proc/" + std::to_string(pid) + "/status");
  if (!status || !may_be_confined(pid, status.value())) return;
  outside_.emplace(id(status.value(), "Uid:"), id(status.value(), "Gid:"));
}

Result<void> Landlock::check(pid_t tid, RemoteSyscalls& remote) const {
  if (!outside_ || !outside_->stands()) return {};
  // A question that the kernel answers to whoever may look at the process (get_robust_list(2)).
  THAW_ASSIGN(answer, remote.call(SYS_get_robust_list, static_cast<uint64_t>(outside_->pid()),
                                  remote.scratch(), remote.scratch() + 8));
  if (answer != -EPERM) return {};
  if (tid != pid_)
    return proc::refuse(pid_,
                        "has a thread (" + std::to_string(tid) +
                            ") that is confined by Landlock, and in a launch would not be",
                        "let the app confine its threads after the checkpoint");
  return proc::refuse(pid_, "is confined by Landlock, and a launch would not be",
                      "let the app confine itself after the checkpoint, or its caller before "
                      "(and run thaw in the same domain)");
}

}  // namespace thaw::checkpoint
