#include "proc/check_scheduling.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "proc/refuse.h"
#include "support/file.h"

namespace thaw::proc {
namespace {

constexpr uint32_t kDeadline = 6;  // SCHED_DEADLINE

/// struct sched_attr (include/uapi/linux/sched/types.h): some libcs have it, others have not.
struct Attributes {
  uint32_t size = sizeof(Attributes), policy = 0;
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime = 0, deadline = 0, period = 0;
  uint32_t least_utilization = 0, most_utilization = 0;  ///< 0: a kernel without CONFIG_UCLAMP_TASK
};

std::optional<Attributes> attributes_of(pid_t tid) {
  Attributes attributes;
  if (syscall(SYS_sched_getattr, tid, &attributes, sizeof(attributes), 0) != 0) return {};
  return attributes;
}

uint32_t least_of_real_time() {
  const auto text = read_file("/proc/sys/kernel/sched_util_clamp_min_rt_default");
  return text ? static_cast<uint32_t>(number(trim(text.value()))) : 0;
}

/// Like thaw's own, which every child of a caller has; the kernel gives real-time threads their own.
bool is_clamped(const Attributes& thread, const Attributes& own) {
  const bool real_time = thread.policy == SCHED_FIFO || thread.policy == SCHED_RR;
  return thread.most_utilization != own.most_utilization ||
         (thread.least_utilization != own.least_utilization &&
          !(real_time && thread.least_utilization == least_of_real_time()));
}

}  // namespace

Result<void> check_scheduling(pid_t pid) {
  THAW_ASSIGN(tids, numeric_entries("/proc/" + std::to_string(pid) + "/task"));
  const auto own = attributes_of(0);
  for (const int tid : tids) {
    const auto thread = attributes_of(tid);
    if (!own || !thread) continue;  // A filter forbids the call, or the thread has ended.
    const std::string name = "has a thread (" + std::to_string(tid) + ") ";
    if (thread->policy == kDeadline)
      return refuse(pid, name + "in the class SCHED_DEADLINE, which a launch does not set",
                    "let the app choose it after the checkpoint");
    if (is_clamped(*thread, *own))
      return refuse(pid,
                    name + "whose utilization is clamped (uclampset), which a launch does not set",
                    "let the app set it after the checkpoint, or its caller before (and run thaw "
                    "with the same)");
  }
  return {};
}

}  // namespace thaw::proc
