// A Landlock domain (landlock(7)) shows nowhere, but it forbids the app what another process with
// equal rights may do: to look at a process outside the domain.
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "checkpoint/collect/collect.h"
#include "proc/bystander.h"
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

}  // namespace

Result<void> check_landlock(const ProcessCapture& process, RemoteSyscalls& remote) {
  THAW_ASSIGN(status, read_file("/proc/" + std::to_string(process.pid) + "/status"));
  const bool may_have = line_value(status, "NoNewPrivs:") != "0" ||
                        (number(line_value(status, "CapPrm:"), 16) >> CAP_SYS_ADMIN & 1) != 0;
  if (!may_have || !kernel_has_landlock() || is_confined_otherwise(process.pid)) return {};
  const proc::Bystander bystander(id(status, "Uid:"), id(status, "Gid:"));
  if (!bystander.stands()) return {};
  // A question that the kernel answers to whoever may look at the process (get_robust_list(2)).
  THAW_ASSIGN(answer, remote.call(SYS_get_robust_list, static_cast<uint64_t>(bystander.pid()),
                                  remote.scratch(), remote.scratch() + 8));
  if (answer != -EPERM) return {};
  return proc::refuse(process.pid, "is confined by Landlock, and a launch would not be",
                      "let the app confine itself after the checkpoint, or its caller before "
                      "(and run thaw in the same domain)");
}

}  // namespace thaw::checkpoint
