#include "launch/check/pid_namespace.h"

#include <linux/capability.h>

#include "image/mounts.h"
#include "launch/check/credentials.h"
#include "support/file.h"

namespace thaw::launch {
namespace {

constexpr const char* kRemedy =
    "leave out launch.pids = \"namespace\", or start it without that (systemd: "
    "ProtectKernelTunables=, ProtectProc=, ProcSubset=, ProtectKernelLogs=)";

/// The fields of a line of mountinfo (proc_pid_mountinfo(5)).
constexpr size_t kPoint = 4, kOptions = 5, kLeast = 9;

/// What of the caller's /proc a new one would not have; empty: nothing.
std::string lost_of(std::string_view line) {
  const auto fields = split(line, " ");
  if (fields.size() < kLeast) return {};
  const std::string_view point = fields[kPoint];
  // Programs that the kernel starts for others, which it does wherever that is mounted.
  if (point.starts_with("/proc/") && point != "/proc/sys/fs/binfmt_misc")
    return "something is mounted at " + std::string(point);
  const std::string_view of_system = fields.back();
  const bool hides = of_system.find("hidepid=") != std::string_view::npos ||
                     of_system.find("subset=") != std::string_view::npos;
  if (point == "/proc" && (hides || image::has_option(fields[kOptions], "ro")))
    return "/proc is read-only or hides processes";
  return {};
}

}  // namespace

bool has_namespace(const image::View& view) {
  return (view.root_process().flags & model::kPidNamespace) != 0;
}

Result<void> check_pid_namespace(const image::View& view) {
  if (!has_namespace(view)) return {};
  if (!has_capability(CAP_SYS_ADMIN))
    return Error{0, "the app's pids need a pid namespace, which the caller may not make",
                 "launch it as root (CAP_SYS_ADMIN), or leave out launch.pids = \"namespace\""};
  THAW_ASSIGN(mounts, read_file("/proc/self/mountinfo"));
  std::string lost;
  each_line(mounts, "", [&lost](std::string_view line) {
    lost = lost_of(line);
    return lost.empty();
  });
  if (lost.empty()) return {};
  lost += ": the /proc of a new pid namespace would show more than the caller's";
  return Error{0, std::move(lost), kRemedy};
}

}  // namespace thaw::launch
