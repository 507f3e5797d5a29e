#include "proc/members.h"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdlib>

#include "support/file.h"

namespace thaw::proc {
namespace {

std::string folder_of(pid_t pid) {
  return "/proc/" + std::to_string(pid);
}

/// CONFIG_PROC_CHILDREN.
bool kernel_lists_children() {
  static const bool lists = access("/proc/thread-self/children", R_OK) == 0;
  return lists;
}

/// A walk through all processes.
std::vector<pid_t> search_children(pid_t parent) {
  std::vector<pid_t> children;
  const auto pids = numeric_entries("/proc");
  if (!pids) return children;
  for (const pid_t pid : pids.value())
    if (const auto kin = read_kinship(pid); kin && kin.value().parent == parent)
      children.push_back(pid);
  return children;
}

}  // namespace

std::vector<pid_t> children_of(pid_t pid) {
  if (!kernel_lists_children()) return search_children(pid);
  std::vector<pid_t> children;
  const std::string tasks = folder_of(pid) + "/task/";
  const auto tids = numeric_entries(tasks);
  if (!tids) return children;
  for (const int tid : tids.value()) {
    const auto list = read_file(tasks + std::to_string(tid) + "/children");
    if (!list) continue;
    for (const std::string_view child : split(list.value(), " \n"))
      children.push_back(static_cast<pid_t>(number(child)));
  }
  return children;
}

bool has_ended(pid_t pid) {
  const auto kin = read_kinship(pid);
  if (!kin || kin.value().state == 'X') return true;
  if (kin.value().state != 'Z') return false;
  const auto tids = numeric_entries(folder_of(pid) + "/task");
  return !tids || tids.value().size() <= 1;  // Its main thread alone may have ended.
}

std::optional<uint64_t> thread_flags(pid_t pid, pid_t tid) {
  constexpr size_t kFlags = 9 - 3;  // proc_pid_stat(5)
  const auto stat = read_file(folder_of(pid) + "/task/" + std::to_string(tid) + "/stat");
  if (!stat) return std::nullopt;
  const auto fields = stat_fields(stat.value());
  if (fields.size() <= kFlags) return std::nullopt;
  return number(fields[kFlags]);
}

bool is_exiting(pid_t pid, pid_t tid) {
  constexpr uint64_t kPfExiting = 4;  // PF_EXITING of include/linux/sched.h
  return (thread_flags(pid, tid).value_or(kPfExiting) & kPfExiting) != 0;
}

Members members_of(pid_t root) {
  Members members;
  members.running.push_back(root);
  for (size_t i = 0; i < members.running.size(); ++i)
    for (const pid_t child : children_of(members.running[i]))
      (has_ended(child) ? members.ended : members.running).push_back(child);
  return members;
}

Result<Kinship> read_kinship(pid_t pid) {
  THAW_ASSIGN(text, read_file(folder_of(pid) + "/stat"));
  const auto fields = stat_fields(text);
  if (fields.size() < 50) return Error{0, "cannot understand " + folder_of(pid) + "/stat"};
  auto field = [&fields](size_t n) {
    return strtoll(std::string(fields[n - 3]).c_str(), nullptr, 10);
  };
  Kinship kin;
  kin.state = fields[0][0];
  kin.parent = static_cast<pid_t>(field(4));
  kin.group = static_cast<pid_t>(field(5));
  kin.session = static_cast<pid_t>(field(6));
  kin.terminal = static_cast<int>(field(7));
  kin.terminal_group = static_cast<pid_t>(field(8));
  kin.started = static_cast<unsigned long long>(field(22));
  kin.exit_signal = static_cast<unsigned>(std::max(0LL, field(38)));
  kin.exit_status = static_cast<unsigned>(field(52));
  return kin;
}

std::string name_of(pid_t pid) {
  const auto comm = read_file(folder_of(pid) + "/comm");
  return comm ? std::string(trim(comm.value())) : "unknown";
}

Error of_member(Error error, pid_t pid) {
  const std::string process = "process " + std::to_string(pid), name = " (" + name_of(pid) + ")";
  if (error.message.starts_with(process + name)) return error;
  if (error.message.starts_with(process))
    error.message.insert(process.size(), name);
  else
    error.message = process + name + ": " + error.message;
  return error;
}

bool is_telling_id(uint32_t id) {
  constexpr uint32_t kLeast = 1 << 16;
  constexpr int kLeastBits = 7, kLeastBitsOfEven = 9;
  return id >= kLeast && std::popcount(id) >= (id % 2 != 0 ? kLeastBits : kLeastBitsOfEven);
}

}  // namespace thaw::proc
