// Who may trace the app where Yama confines that (PR_SET_PTRACER): the kernel tells nobody, but who has
// watched the app knows.
#include <signal.h>

#include <algorithm>

#include "checkpoint/collect/collect.h"
#include "proc/refuse.h"
#include "support/file.h"

namespace thaw::checkpoint {
namespace {

/// Its descendants may trace the app, too.
bool is_own(const ProcessCapture& process, int64_t tracer) {
  return std::any_of(process.threads.begin(), process.threads.end(),
                     [tracer](const auto& thread) { return thread.tid == tracer; });
}

/// With its end, so does what it may do.
bool is_alive(int64_t tracer) {
  return kill(static_cast<pid_t>(tracer), 0) == 0 || errno != ESRCH;
}

}  // namespace

Result<void> collect_tracer(const Capture& capture, ProcessCapture& process) {
  if (!capture.request.calls) return {};
  const auto& tracers = capture.request.calls->tracers;
  const auto said = tracers.find(process.pid);
  if (said == tracers.end()) return {};
  const int64_t tracer = said->second;
  uint32_t& flags = process.record.flags;
  flags |= model::kOwnTracer;
  if (tracer == SeenCalls::kAnyTracer) {
    flags |= model::kTracedByAny;
    return {};
  }
  if (tracer == 0) return {};
  if (is_own(process, tracer)) {
    flags |= model::kTracedByOwn;
    return {};
  }
  if (!is_alive(tracer)) return {};
  auto comm = read_file("/proc/" + std::to_string(tracer) + "/comm");
  return proc::refuse(process.pid,
                      "lets process " + std::to_string(tracer) + " (" +
                          (comm ? std::string(trim(comm.value())) : "unknown") +
                          ") trace it (PR_SET_PTRACER), which no launch could know",
                      "let the app do that after the checkpoint (a crash handler above all), or "
                      "allow any process (PR_SET_PTRACER_ANY)");
}

}  // namespace thaw::checkpoint
