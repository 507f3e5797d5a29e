#include "launch/check/pid_namespace.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

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

/// How kernels are told not to give ordinary users one; the first two mean so with 0.
struct Switch {
  const char* path;
  bool forbids_at_zero;
};
constexpr Switch kSwitches[] = {
    {"/proc/sys/user/max_user_namespaces", true},
    {"/proc/sys/kernel/unprivileged_userns_clone", true},
    {"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", false},
};

/// In a new user namespace the caller has all capabilities, and loses those outside of it: one that has
/// some, or securebits, would not have them back. As user 0 each exec in there would give all.
Result<void> check_user_namespace() {
  constexpr const char* kOther = "launch it as root, or as an ordinary user without capabilities";
  THAW_ASSIGN(status, read_file("/proc/self/status"));
  const auto has = [&status](const char* key) { return number(line_value(status, key), 16) != 0; };
  if (geteuid() == 0 || has("CapInh:") || has("CapPrm:") || has("CapAmb:") ||
      prctl(PR_GET_SECUREBITS) != 0)
    return Error{
        0,
        "the caller has user 0, capabilities or securebits that it would not have in the user "
        "namespace of launch.pids = \"user-namespace\"",
        kOther};
  for (const Switch& one : kSwitches) {
    const auto value = read_file(one.path);
    if (!value || (number(trim(value.value())) == 0) != one.forbids_at_zero) continue;
    return Error{0,
                 std::string("this machine gives ordinary users no user namespaces (") + one.path +
                     " is " + std::string(trim(value.value())) + ")",
                 "allow them, or launch it as root"};
  }
  return {};
}

}  // namespace

bool needs_user_namespace(const image::View& view) {
  return (view.root_process().flags & model::kUserNamespace) != 0 && !has_capability(CAP_SYS_ADMIN);
}

bool has_namespace(const image::View& view) {
  return (view.root_process().flags & model::kPidNamespace) != 0;
}

Result<void> check_pid_namespace(const image::View& view) {
  if (!has_namespace(view)) return {};
  if (needs_user_namespace(view))
    THAW_TRY(check_user_namespace());
  else if (!has_capability(CAP_SYS_ADMIN))
    return Error{0, "the app's pids need a pid namespace, which the caller may not make",
                 "launch it as root (CAP_SYS_ADMIN), leave out launch.pids = \"namespace\", or set "
                 "launch.pids = \"user-namespace\""};
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
