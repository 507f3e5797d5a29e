#include "proc/credentials.h"

#include <linux/capability.h>

#include <algorithm>
#include <cstdio>

#include "proc/refuse.h"
#include "support/file.h"

namespace thaw::proc {
namespace {

std::vector<uint32_t> ids(std::string_view status, const char* key) {
  std::vector<uint32_t> ids;
  for (const std::string_view id : split(line_value(status, key), "\t "))
    ids.push_back(static_cast<uint32_t>(number(id)));
  return ids;
}

Result<std::array<uint32_t, 4>> four_ids(std::string_view status, const char* key) {
  const std::vector<uint32_t> found = ids(status, key);
  if (found.size() != 4) return Error{0, std::string("cannot understand ") + key + " of a process"};
  return std::array<uint32_t, 4>{found[0], found[1], found[2], found[3]};
}

std::string text(const std::array<uint32_t, 4>& ids) {
  std::string text;
  for (const uint32_t id : ids) text += (text.empty() ? "" : " ") + std::to_string(id);
  return text;
}

std::string text(uint64_t set) {
  char digits[20];
  snprintf(digits, sizeof(digits), "%016llx", static_cast<unsigned long long>(set));
  return digits;
}

bool may(const Credentials& who, unsigned capability) {
  return (who.effective >> capability & 1) != 0;
}

/// Whether setresuid(2) and its like take them from one that may not set any.
bool are_own(const std::array<uint32_t, 4>& ids, const std::array<uint32_t, 4>& roots) {
  return std::all_of(ids.begin(), ids.end(), [&roots](uint32_t id) {
    return std::find(roots.begin(), roots.end(), id) != roots.end();
  });
}

/// What of `own` the root could not give; empty: nothing.
std::string above(const Credentials& own, const Credentials& roots) {
  if (!may(roots, CAP_SETUID) && !are_own(own.users, roots.users))
    return "users " + text(own.users) + ", not " + text(roots.users);
  const bool other_groups = own.supplementary != roots.supplementary;
  if (!may(roots, CAP_SETGID) && (other_groups || !are_own(own.groups, roots.groups)))
    return other_groups ? "other supplementary groups"
                        : "groups " + text(own.groups) + ", not " + text(roots.groups);
  if ((own.permitted & ~roots.permitted) != 0)
    return "capabilities " + text(own.permitted) + ", not " + text(roots.permitted);
  if ((own.inheritable & ~(roots.inheritable | roots.permitted)) != 0)
    return "inheritable capabilities " + text(own.inheritable);
  if ((own.bounding & ~roots.bounding) != 0)
    return "a bounding set " + text(own.bounding) + ", not " + text(roots.bounding);
  if (!may(roots, CAP_SETPCAP) && own.bounding != roots.bounding)
    return "a bounding set " + text(own.bounding) + ", not " + text(roots.bounding);
  if (!may(roots, CAP_SYS_CHROOT) && own.root != roots.root)
    return "the root directory " + own.root;
  return {};
}

}  // namespace

Result<Credentials> read_credentials(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  THAW_ASSIGN(status, read_file(folder + "/status"));
  const auto root = read_link(folder + "/root");  // A process that has ended has none.
  THAW_ASSIGN(users, four_ids(status, "Uid:"));
  THAW_ASSIGN(groups, four_ids(status, "Gid:"));
  const auto set = [&status](const char* key) { return number(line_value(status, key), 16); };
  Credentials credentials;
  credentials.users = users;
  credentials.groups = groups;
  credentials.supplementary = ids(status, "Groups:");
  credentials.permitted = set("CapPrm:");
  credentials.effective = set("CapEff:");
  credentials.inheritable = set("CapInh:");
  credentials.ambient = set("CapAmb:");
  credentials.bounding = set("CapBnd:");
  if (root) credentials.root = root.value();
  return credentials;
}

Result<void> check_given_up(pid_t pid, const Credentials& own, const Credentials& roots) {
  const std::string more = above(own, roots);
  if (!more.empty())
    return refuse(
        pid, "has other rights than the app's first process could give it: " + more,
        "start the app as a user who may do that (`user` in the profile), or let it start "
        "this process after the checkpoint");
  if (!own.root.starts_with('/') || own.root.ends_with(" (deleted)"))
    return refuse(pid, "has the root directory " + own.root + ", which no path leads to",
                  "keep the folder until the checkpoint");
  return {};
}

}  // namespace thaw::proc
