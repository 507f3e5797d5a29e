// Settings that a launch does not bring back: the app must have them as thaw has, which is what its
// caller would give, or it is refused by the setting's name.
#include <linux/keyctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "checkpoint/collect/collect.h"
#include "proc/members.h"
#include "proc/refuse.h"
#include "support/young_kernels.h"

namespace thaw::checkpoint {
namespace {

using arch::Setting;

constexpr uint64_t kAt = Setting::kScratch;
constexpr uint64_t kOneThread = 0;  // PIDTYPE_PID, for PR_SCHED_CORE

constexpr Setting kSettings[] = {
    {"PR_SET_TSC", true, SYS_prctl, {PR_GET_TSC, kAt}, 4},
    {"PR_SCHED_CORE", true, SYS_prctl, {PR_SCHED_CORE, PR_SCHED_CORE_GET, 0, kOneThread, kAt}, 8},
    {"PR_SPEC_L1D_FLUSH", true, SYS_prctl, {PR_GET_SPECULATION_CTRL, PR_SPEC_L1D_FLUSH}, 0},
    {"set_mempolicy(2)", true, SYS_get_mempolicy, {kAt}, 4},
    {"a keyring of a thread (keyctl(2))",
     true,
     SYS_keyctl,
     {KEYCTL_GET_KEYRING_ID, static_cast<uint32_t>(KEY_SPEC_THREAD_KEYRING)},
     0},
    {"a keyring of the process (keyctl(2))",
     false,
     SYS_keyctl,
     {KEYCTL_GET_KEYRING_ID, static_cast<uint32_t>(KEY_SPEC_PROCESS_KEYRING)},
     0},
};

struct Answer {
  int64_t result = 0;
  uint64_t word = 0;
  bool operator==(const Answer& other) const {
    return (result < 0 && other.result < 0) || (result == other.result && word == other.word);
  }
};

uint64_t word_of(const Setting& setting, const uint64_t& at) {
  return setting.answer_size == 8 ? at : setting.answer_size == 4 ? static_cast<uint32_t>(at) : 0;
}

Answer own_answer(const Setting& setting) {
  alignas(8) uint64_t room[RemoteSyscalls::kScratchSize / 8] = {};
  long a[5];
  for (int i = 0; i < 5; ++i)
    a[i] = setting.arguments[i] == kAt ? static_cast<long>(reinterpret_cast<uintptr_t>(room))
                                       : static_cast<long>(setting.arguments[i]);
  const long result = syscall(setting.number, a[0], a[1], a[2], a[3], a[4]);
  return {result, word_of(setting, room[0])};
}

Result<Answer> answer_of(RemoteSyscalls& remote, const Setting& setting) {
  uint64_t room = 0, a[5];
  THAW_TRY(remote.write_scratch(&room, sizeof(room)));
  for (int i = 0; i < 5; ++i)
    a[i] = setting.arguments[i] == kAt ? remote.scratch() : setting.arguments[i];
  THAW_ASSIGN(result, remote.call(setting.number, a[0], a[1], a[2], a[3], a[4]));
  if (setting.answer_size != 0) {
    THAW_ASSIGN(word, remote.read_scratch<uint64_t>());
    room = word;
  }
  return Answer{result, word_of(setting, room)};
}

Result<void> refuse_setting(pid_t pid, const char* name) {
  return proc::refuse(
      pid, std::string("has set what a launch would not have: ") + name,
      "let the app do that after the checkpoint, or its caller before, where exec keeps it");
}

Result<void> check(const ProcessCapture& process, RemoteSyscalls& remote,
                   std::span<const Setting> settings, bool of_thread) {
  for (const Setting& setting : settings) {
    if (setting.of_thread != of_thread) continue;
    THAW_ASSIGN(app, answer_of(remote, setting));
    if (app == own_answer(setting)) continue;
    return refuse_setting(process.pid, setting.name);
  }
  return {};
}

/// By what PR_SET_IO_FLUSHER sets, PF_MEMALLOC_NOIO and PF_LOCAL_THROTTLE (the same from Linux 5.10 to 6.18): to ask with
/// PR_GET_IO_FLUSHER takes CAP_SYS_RESOURCE, which a worker may have given up, or thaw not have.
bool is_io_flusher(pid_t pid, pid_t tid) {
  constexpr uint64_t kBoth = 0x180000;
  return (proc::thread_flags(pid, tid).value_or(0) & kBoth) == kBoth;
}

constexpr Setting kSessionKeyring = {
    "a session keyring (keyctl(2))",
    false,
    SYS_keyctl,
    {KEYCTL_GET_KEYRING_ID, static_cast<uint32_t>(KEY_SPEC_SESSION_KEYRING)},
    0};

constexpr Setting kUsersKeyring = {
    "the session keyring of its user",
    false,
    SYS_keyctl,
    {KEYCTL_GET_KEYRING_ID, static_cast<uint32_t>(KEY_SPEC_USER_SESSION_KEYRING)},
    0};

/// Who has none is shown that of its user, as it would be in a launch.
Result<bool> has_users_keyring(RemoteSyscalls& remote) {
  THAW_ASSIGN(session, answer_of(remote, kSessionKeyring));
  THAW_ASSIGN(users, answer_of(remote, kUsersKeyring));
  return session == users;
}

}  // namespace

/// What thaw itself has started has thaw's, as long as it runs as the same user.
Result<void> check_session_keyring(const Capture& capture, const ProcessCapture& process,
                                   RemoteSyscalls& remote) {
  const auto& given = capture.request.given;
  if (!given || given->new_user) return {};
  if (process.record.credentials != model::kNone) {
    THAW_ASSIGN(users, has_users_keyring(remote));
    if (users) return {};
  }
  return check(process, remote, std::span(&kSessionKeyring, 1), false);
}

Result<void> check_io_flusher(const ProcessCapture& process, pid_t tid) {
  if (is_io_flusher(process.pid, tid) == is_io_flusher(getpid(), gettid())) return {};
  return refuse_setting(process.pid, "PR_SET_IO_FLUSHER");
}

Result<void> check_settings(const ProcessCapture& process, RemoteSyscalls& remote, bool of_thread) {
  THAW_TRY(check(process, remote, kSettings, of_thread));
  return check(process, remote, arch::cpu_settings(), of_thread);
}

}  // namespace thaw::checkpoint
