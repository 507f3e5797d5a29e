// The app's own filters of system calls (seccomp(2)). A launch puts them back when all else is done.
#include <linux/seccomp.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "checkpoint/collect/call_filter.h"
#include "checkpoint/collect/collect.h"
#include "proc/refuse.h"
#include "support/file.h"

namespace thaw::checkpoint {
namespace {

struct Filter {
  std::vector<sock_filter> program;
  uint32_t flags = 0;
  bool operator==(const Filter& other) const {
    return flags == other.flags &&
           std::equal(program.begin(), program.end(), other.program.begin(), other.program.end(),
                      [](const sock_filter& a, const sock_filter& b) {
                        return a.code == b.code && a.jt == b.jt && a.jf == b.jf && a.k == b.k;
                      });
  }
};

struct Call {
  const char* name;
  long number;
};

/// What the stubs of the thaw area call after the last filter is in force.
constexpr Call kToFinish[] = {
    {"munmap", SYS_munmap},
#ifdef SYS_futex
    {"futex", SYS_futex},
#endif
    {"rt_sigreturn", SYS_rt_sigreturn},
};

/// What the shim calls for an app that calls less (shim/blob/guards.cc).
constexpr long kOfShim[] = {
    SYS_madvise, SYS_mprotect, SYS_mremap, SYS_munmap,
#ifdef SYS_mmap2
    SYS_mmap2,
#else
    SYS_mmap,
#endif
};

constexpr const char* kLater =
    "let the app confine itself after the checkpoint (`until = { call = true }`), or its caller do "
    "it (SystemCallFilter= of systemd)";

void* as_pointer(unsigned long value) {
  return reinterpret_cast<void*>(value);
}

Error unreadable(pid_t pid) {
  const std::string why = strerror(errno);
  return proc::refuse(pid, "has a seccomp filter that cannot be read: " + why, kLater);
}

/// The kernel counts from the oldest.
Result<std::vector<Filter>> filters_of(pid_t pid, pid_t tid) {
  std::vector<Filter> filters;
  for (unsigned long i = 0;; ++i) {
    const long size = ptrace(PTRACE_SECCOMP_GET_FILTER, tid, as_pointer(i), nullptr);
    if (size < 0 && errno == ENOENT) return filters;
    if (size < 0) return unreadable(pid);
    Filter filter;
    filter.program.resize(static_cast<size_t>(size));
    __ptrace_seccomp_metadata metadata = {i, 0};
    if (ptrace(PTRACE_SECCOMP_GET_FILTER, tid, as_pointer(i), filter.program.data()) != size ||
        ptrace(PTRACE_SECCOMP_GET_METADATA, tid, as_pointer(sizeof(metadata)), &metadata) < 0)
      return unreadable(pid);
    filter.flags = static_cast<uint32_t>(metadata.flags);
    filters.push_back(std::move(filter));
  }
}

bool all_allow(const std::vector<Filter>& filters, long number) {
  return std::all_of(filters.begin(), filters.end(), [number](const Filter& filter) {
    return always_allows(filter.program, number);
  });
}

bool some_may_notify(const std::vector<Filter>& filters) {
  return std::any_of(filters.begin(), filters.end(),
                     [](const Filter& filter) { return may_notify(filter.program); });
}

/// Whether the launch could put the filters back and then end.
Result<void> check_finish(pid_t pid, const std::vector<Filter>& filters) {
  if (some_may_notify(filters))
    return proc::refuse(pid,
                        "has a seccomp filter that asks another process (SECCOMP_RET_USER_NOTIF), "
                        "which no launch would have",
                        kLater);
  const std::vector<Filter> older(filters.begin(), filters.end() - 1);
  if (!all_allow(older, SYS_seccomp))
    return proc::refuse(
        pid, "has a seccomp filter under which no launch could set the next (seccomp(2))", kLater);
  for (const auto& [name, number] : kToFinish)
    if (!all_allow(filters, number))
      return proc::refuse(pid,
                          std::string("has a seccomp filter that forbids ") + name +
                              "(2), or looks at its arguments: a launch could not be finished",
                          "let the app allow it, or " + std::string(kLater));
  return {};
}

bool is_filtered(pid_t pid) {
  auto status = read_file("/proc/" + std::to_string(pid) + "/status");
  return status && line_value(status.value(), "Seccomp:") == "2";
}

void add(Capture& capture, ProcessCapture& process, const Filter& filter) {
  model::SeccompFilter record;
  record.program = capture.image.blob({reinterpret_cast<const char*>(filter.program.data()),
                                       filter.program.size() * sizeof(sock_filter)});
  record.flags = filter.flags;
  capture.image.seccomp_filters.push_back(record);
  ++process.record.seccomp_filters.count;
}

}  // namespace

Result<void> collect_filters(Capture& capture, ProcessCapture& process) {
  if (!is_filtered(process.pid)) return {};
  THAW_ASSIGN(filters, filters_of(process.pid, process.pid));
  for (const ThreadCapture& thread : process.threads) {
    THAW_ASSIGN(own, filters_of(process.pid, thread.tid));
    if (own == filters) continue;
    return proc::refuse(process.pid,
                        "has a thread (" + std::to_string(thread.tid) +
                            ") with other seccomp filters than its main thread",
                        "let the app confine its threads after the checkpoint");
  }
  // A cold start after the launch, which its hooks may ask for, would begin under them.
  if (capture.request.call_address != 0 && capture.is_root(process))
    return proc::refuse(process.pid, "has called thaw_checkpoint() under a seccomp filter",
                        "let the app call it before it confines itself");
  THAW_TRY(check_finish(process.pid, filters));
  process.shim_allowed =
      std::all_of(std::begin(kOfShim), std::end(kOfShim),
                  [&filters](long number) { return all_allow(filters, number); });
  process.record.seccomp_filters.first =
      static_cast<model::Index>(capture.image.seccomp_filters.size());
  for (const Filter& filter : filters) add(capture, process, filter);
  return {};
}

}  // namespace thaw::checkpoint
