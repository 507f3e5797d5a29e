#include "launch/check/caller.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "support/file.h"

namespace thaw::launch {

using image::View;

namespace {

/// Another name of the same file is the same program, unless it looks at the name that it was
/// called by (busybox).
bool same_program(const View& view, const ExecCall& call, std::string_view argv0) {
  const model::Requirements& needs = view.requirements_record();
  const char* wanted = view.bytes(needs.program).data();
  if (strcmp(wanted, call.program) == 0) return true;
  struct stat a = {}, b = {};
  return call.argv[0] != nullptr && argv0 == call.argv[0] && stat(wanted, &a) == 0 &&
         stat(call.program, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

}  // namespace

Result<void> check_user(const View& view) {
  const model::Requirements& needs = view.requirements_record();
  if (needs.euid == geteuid() && needs.egid == getegid() && getuid() == geteuid() &&
      getgid() == getegid())
    return {};
  return Error{0,
               "the image was made by user " + std::to_string(needs.euid) + " and group " +
                   std::to_string(needs.egid) + ", the caller is " + std::to_string(geteuid()) +
                   " and " + std::to_string(getegid()),
               "set `user` in the profile to the user that launches it"};
}

Result<void> check_capabilities() {
  if (getuid() != 0) return {};
  const int bits = prctl(PR_GET_SECUREBITS);
  if (bits >= 0 && (bits & SECBIT_NOROOT) == 0) return {};
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
  bool more = syscall(SYS_capget, &header, sets) != 0;
  for (int i = 0; i < 32 * _LINUX_CAPABILITY_U32S_3; ++i)
    more = more || ((sets[i / 32].permitted >> (i % 32) & 1) != 0 &&
                    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0) != 1);
  if (!more) return {};
  return Error{0, "thaw-exec has capabilities that its caller has not",
               "take them from it (setcap -r): no image may carry them"};
}

Result<void> check_security_label(const View& view) {
  const std::string_view wanted = view.bytes(view.requirements_record().security_label);
  UniqueFd fd(open("/proc/self/attr/current", O_RDONLY | O_CLOEXEC));
  char text[256] = {};
  ssize_t size = fd.valid() ? read(fd.get(), text, sizeof(text) - 1) : 0;
  if (size < 0) size = 0;
  const std::string_view label = trim({text, strnlen(text, static_cast<size_t>(size))});
  if (label == wanted) return {};
  return Error{0, "the app ran in the security context '" + std::string(wanted) +
                      "', the caller is in '" + std::string(label) + "'"};
}

Result<void> check_group(const View& view) {
  const model::Process& root = view.root_process();
  constexpr uint64_t kIgnored = 1;  // SIG_IGN
  const auto actions = View::part(view.sigactions(), root.sigactions);
  const auto ignores = [actions](uint32_t signal) {
    return std::any_of(actions.begin(), actions.end(), [signal](const model::SigAction& action) {
      return action.signal == signal && action.handler == kIgnored;
    });
  };
  if (root.terminal.standard == 0 || getpgrp() == getpid() || !ignores(SIGTSTP) ||
      !ignores(SIGTTIN) || !ignores(SIGTTOU))
    return {};
  return Error{0,
               "the app is a shell with jobs, and its caller gives it no process group of its own",
               "launch it from an interactive shell, a terminal emulator or a script that has said "
               "`set -m`"};
}

Result<void> check_arguments(const View& view, const ExecCall& call) {
  const model::Requirements& needs = view.requirements_record();
  std::string_view wanted = view.bytes(needs.arguments);
  auto next = [&wanted] {
    const std::string_view argument = wanted.substr(0, wanted.find('\0'));
    wanted.remove_prefix(std::min(wanted.size(), argument.size() + 1));
    return argument;
  };
  if (!same_program(view, call, next()))
    return Error{0, "the image is of " + std::string(view.bytes(needs.program)) + ", not of " +
                        call.program};
  if (needs.deliver_arguments != 0) return {};
  char* const* argument = call.argv[0] == nullptr ? call.argv : call.argv + 1;
  for (; *argument != nullptr; ++argument)
    if (wanted.empty() || next() != *argument) break;
  if (*argument == nullptr && wanted.empty()) return {};
  return Error{0, "the image was made with other arguments"};
}

Result<void> check_folder(const View& view, const ExecCall& call) {
  const std::string_view wanted = view.bytes(view.requirements_record().folder);
  if (wanted.empty() || wanted == call.folder) return {};
  const std::string here = *call.folder == '\0' ? "one that has no path" : call.folder;
  return Error{
      0, "the app was started in the folder " + std::string(wanted) + ", the caller is in " + here,
      "launch it there, set `cwd` in the profile to the caller's folder, or, if the app "
      "does not depend on it, launch.cwd = \"any\""};
}

}  // namespace thaw::launch
