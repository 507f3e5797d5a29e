#include "proc/given.h"

#include <fcntl.h>
#include <linux/ioprio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>

#include "support/file.h"

namespace thaw::proc {
namespace {

/// "Max open files            1024                 524288               files": names have blanks,
/// columns are fixed (proc_pid_limits() in fs/proc/base.c of the kernel).
Limit parse_limit(std::string_view line) {
  constexpr size_t kName = 26;
  const auto columns = split(line.substr(std::min(line.size(), kName)), " ");
  if (columns.size() < 2) return {};
  auto value = [](std::string_view text) {
    return text == "unlimited" ? ~uint64_t{0} : number(text);
  };
  return {value(columns[0]), value(columns[1])};
}

}  // namespace

int io_priority(pid_t tid) {
  const auto value = static_cast<int>(syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, tid));
  // Some kernels answer a level for no class, and those before 6.0 for a task without I/O what
  // best effort is by default: nobody's choice.
  constexpr int kDefault = IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, IOPRIO_BE_NORM);
  const bool none = value < 0 || IOPRIO_PRIO_CLASS(value) == IOPRIO_CLASS_NONE;
  return none || value == kDefault ? 0 : value;
}

Result<Given> read_given(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  Given given;
  THAW_ASSIGN(status, read_file(folder + "/status"));
  THAW_ASSIGN(limits, read_file(folder + "/limits"));
  given.status = std::move(status);
  const auto lines = split(limits, "\n");  // The first is a heading.
  for (size_t i = 0; i < given.limits.size() && i + 1 < lines.size(); ++i)
    given.limits[i] = parse_limit(lines[i + 1]);
  given.nice = getpriority(PRIO_PROCESS, static_cast<id_t>(pid));
  given.io_priority = io_priority(pid);
  if (auto score = read_file(folder + "/oom_score_adj"))
    given.oom_score_adj = static_cast<int>(strtol(score.value().c_str(), nullptr, 10));
  sched_getaffinity(pid, sizeof(given.cpus), &given.cpus);
  return given;
}

std::optional<GivenFiles> given_files(std::span<const int, 3> descriptors) {
  GivenFiles files;
  for (size_t i = 0; i < files.size(); ++i) {
    const int fd = descriptors[i];
    const int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fstat(fd, &files[i].status) != 0) return std::nullopt;
    files[i].access = flags & O_ACCMODE;
    const mode_t mode = files[i].status.st_mode;
    if (S_ISREG(mode) || (S_ISCHR(mode) && isatty(fd) == 0))
      files[i].copy = std::make_shared<const UniqueFd>(fcntl(fd, F_DUPFD_CLOEXEC, 3));
  }
  return files;
}

Result<Given> read_own_given() {
  THAW_ASSIGN(own, read_given(getpid()));
  Limit& open_files = own.limits[RLIMIT_NOFILE];
  const auto starter = read_given(getppid());
  if (!starter) return own;
  const auto& [soft, hard] = starter.value().limits[RLIMIT_NOFILE];
  if (hard == open_files.hard && soft < open_files.soft) open_files.soft = soft;
  return own;
}

}  // namespace thaw::proc
