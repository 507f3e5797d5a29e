// Credentials of members that have given up rights of the root: a launch takes the same away from them.
#include "proc/credentials.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "checkpoint/collect/collect.h"
#include "proc/refuse.h"
#include "support/file.h"

namespace thaw::checkpoint {
namespace {

Error other_securebits(pid_t pid, const std::string& who) {
  return proc::refuse(pid, "has set what a launch would not have: PR_SET_SECUREBITS" + who,
                      "let the app do that after the checkpoint, or its caller before, where exec "
                      "keeps it");
}

/// What the member does not share with the root.
uint32_t own_parts(const proc::Credentials& own, const proc::Credentials& roots,
                   uint32_t securebits) {
  uint32_t parts = 0;
  const auto add = [&parts](bool differs, uint32_t part) { parts |= differs ? part : 0; };
  // Another user has no groups of the caller's, even where the app had none to give up.
  add(own.supplementary != roots.supplementary || own.users != roots.users ||
          own.groups != roots.groups,
      model::kOwnGroups);
  add(own.permitted != roots.permitted, model::kOwnPermitted);
  add(own.effective != roots.effective, model::kOwnEffective);
  add(own.inheritable != roots.inheritable, model::kOwnInheritable);
  add(static_cast<int>(securebits) != prctl(PR_GET_SECUREBITS), model::kOwnSecurebits);
  return parts;
}

model::Credentials record_of(Capture& capture, const proc::Credentials& own,
                             const proc::Credentials& roots, uint32_t securebits) {
  model::Credentials record;
  std::copy(own.users.begin(), own.users.end(), record.users);
  std::copy(own.groups.begin(), own.groups.end(), record.groups);
  record.supplementary =
      capture.image.blob({reinterpret_cast<const char*>(own.supplementary.data()),
                          own.supplementary.size() * sizeof(uint32_t)});
  record.permitted = own.permitted;
  record.effective = own.effective;
  record.inheritable = own.inheritable;
  record.ambient = own.ambient;
  record.bounding = own.bounding;
  record.own = own_parts(own, roots, securebits);
  record.securebits = securebits;
  if (own.root != roots.root) record.root = capture.image.blob(own.root);
  return record;
}

/// A launch sets filters when the process has no more rights than it had.
Result<void> check_filters(const ProcessCapture& process, const proc::Credentials& own) {
  const auto status = read_file("/proc/" + std::to_string(process.pid) + "/status");
  if (process.record.seccomp_filters.count == 0 || !status ||
      line_value(status.value(), "NoNewPrivs:") == "1" || (own.effective >> CAP_SYS_ADMIN & 1) != 0)
    return {};
  return proc::refuse(
      process.pid,
      "has a seccomp filter that it set before it gave up its rights, and no launch "
      "could set it after that",
      "let the app set PR_SET_NO_NEW_PRIVS before its filter");
}

}  // namespace

/// The root has thaw's, and the threads of another process its main thread's.
Result<void> collect_securebits(const Capture& capture, ProcessCapture& process, pid_t tid,
                                RemoteSyscalls& remote) {
  THAW_ASSIGN(bits, remote.call(SYS_prctl, PR_GET_SECUREBITS));
  if (tid == process.pid) process.securebits = static_cast<uint32_t>(std::max<int64_t>(0, bits));
  const int64_t given =
      capture.is_root(process) ? prctl(PR_GET_SECUREBITS) : int64_t{process.securebits};
  if (bits == given || (bits < 0 && given <= 0)) return {};
  return other_securebits(process.pid,
                          tid == process.pid ? "" : " of thread " + std::to_string(tid));
}

Result<void> collect_credentials(Capture& capture, ProcessCapture& process) {
  if (capture.is_root(process)) return {};
  THAW_ASSIGN(own, proc::read_credentials(process.pid));
  THAW_ASSIGN(roots, proc::read_credentials(capture.root().pid));
  const uint32_t parts = own_parts(own, roots, process.securebits);
  if ((parts & model::kOwnSecurebits) != 0 && (roots.effective >> CAP_SETPCAP & 1) == 0)
    return other_securebits(process.pid, "");
  if (own == roots && parts == 0) return {};
  THAW_TRY(check_filters(process, own));
  process.record.credentials = image::Builder::add(
      capture.image.credentials, record_of(capture, own, roots, process.securebits));
  return {};
}

/// Of one that nobody has waited for, wait(2) tells its user.
Result<void> collect_users(Capture& capture, EndedProcess& process) {
  const auto own = proc::read_credentials(process.pid);
  THAW_ASSIGN(roots, proc::read_credentials(capture.root().pid));
  if (!own || own.value().users == roots.users) return {};
  process.record.credentials =
      image::Builder::add(capture.image.credentials, record_of(capture, own.value(), roots, 0));
  return {};
}

}  // namespace thaw::checkpoint
