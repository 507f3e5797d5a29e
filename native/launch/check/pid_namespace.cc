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

/// What of the caller's /proc a new one would not have; empty: nothing.
std::string lost_of(const image::Mount& mount) {
  // Programs that the kernel starts for others, which it does wherever that is mounted.
  if (mount.point.starts_with("/proc/") && mount.point != "/proc/sys/fs/binfmt_misc")
    return "something is mounted at " + std::string(mount.point);
  const bool hides = mount.super_options.find("hidepid=") != std::string_view::npos ||
                     mount.super_options.find("subset=") != std::string_view::npos;
  if (mount.point == "/proc" && (hides || image::has_option(mount.options, "ro")))
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
    lost = lost_of(image::parse_mount(line));
    return lost.empty();
  });
  if (lost.empty()) return {};
  lost += ": the /proc of a new pid namespace would show more than the caller's";
  return Error{0, std::move(lost), kRemedy};
}

}  // namespace thaw::launch
