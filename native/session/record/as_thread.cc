#include "session/record/as_thread.h"

#include <grp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "support/file.h"

namespace thaw::session {
namespace {

// The kernel's own calls, which change one thread alone: libc's change all of them.
#ifdef SYS_setresuid32
constexpr long kSetUser = SYS_setresuid32, kSetGroup = SYS_setresgid32,
               kSetGroups = SYS_setgroups32;
#else
constexpr long kSetUser = SYS_setresuid, kSetGroup = SYS_setresgid, kSetGroups = SYS_setgroups;
#endif

struct Rights {
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups;
};

Result<Rights> rights_of(pid_t tid) {
  THAW_ASSIGN(status, read_file("/proc/" + std::to_string(tid) + "/status"));
  Rights rights;
  const auto users = split(line_value(status, "Uid:"), " \t");
  const auto groups = split(line_value(status, "Gid:"), " \t");
  if (users.size() < 2 || groups.size() < 2) return Error{0, "the kernel tells of no user"};
  rights.user = static_cast<uid_t>(number(users[1]));
  rights.group = static_cast<gid_t>(number(groups[1]));
  for (const std::string_view group : split(line_value(status, "Groups:"), " \t"))
    if (!group.empty()) rights.groups.push_back(static_cast<gid_t>(number(group)));
  return rights;
}

Result<void> take(const Rights& rights) {
  if (syscall(kSetGroups, rights.groups.size(), rights.groups.data()) == 0 &&
      syscall(kSetGroup, -1L, static_cast<long>(rights.group), -1L) == 0 &&
      syscall(kSetUser, -1L, static_cast<long>(rights.user), -1L) == 0)
    return {};
  return errno_error("cannot take the rights of the app's user");
}

}  // namespace

Result<void> as_thread(pid_t tid, const std::function<Result<void>()>& work) {
  THAW_ASSIGN(rights, rights_of(tid));
  if (rights.user == geteuid() && rights.group == getegid()) return work();
  const int dumpable = prctl(PR_GET_DUMPABLE);
  Result<void> result;
  // It ends with these rights: there is no way back to take.
  std::thread([&] {
    result = take(rights);
    if (result) result = work();
  }).join();
  prctl(PR_SET_DUMPABLE, dumpable);  // Of the whole process, which another user's thread clears.
  return result;
}

}  // namespace thaw::session
