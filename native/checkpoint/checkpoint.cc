#include "checkpoint/checkpoint.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <set>
#include <utility>

#include "checkpoint/collect/collect.h"
#include "checkpoint/freeze/app_call.h"
#include "checkpoint/freeze/frozen_tree.h"
#include "checkpoint/plan/plan.h"
#include "checkpoint/survey.h"
#include "checkpoint/write/write.h"
#include "proc/members.h"
#include "support/unique_fd.h"

namespace thaw::checkpoint {
namespace {

Result<void> let_go(const Request& request, FrozenTree& app) {
  if (!request.leave_running)
    app.kill();
  else if (request.call_address != 0)
    THAW_TRY(answer_call(request.pid, request.call_address, THAW_LEFT_RUNNING));
  return {};
}

/// Whether a timer waits for a moment or for a time to pass, only who has watched the app knows.
void warn_of_timers(const Capture& capture, std::vector<std::string>& warnings) {
  if (capture.request.calls) return;
  for (const model::PosixTimer& timer : capture.image.posix_timers)
    if (timer.value_ns != 0 &&
        (timer.clock == CLOCK_REALTIME || timer.clock == CLOCK_REALTIME_ALARM))
      warnings.push_back("POSIX timer " + std::to_string(timer.id) +
                         " runs on CLOCK_REALTIME: if it waits for a time of the day "
                         "(TIMER_ABSTIME), it will be late in each launch; `thaw build` can tell");
}

/// Processes of one app are often alike.
void drop_repeated(std::vector<std::string>& warnings) {
  std::set<std::string> known;
  std::erase_if(warnings,
                [&known](const std::string& warning) { return !known.insert(warning).second; });
}

/// What was read of the files that the app has mapped, before it has to stand still for it.
struct ReadAhead {
  OpensslVersions versions;
  ContentHashes hashes;

  explicit ReadAhead(const Request& request) {
    for (const pid_t pid : proc::members_of(request.pid).running) {
      const auto mappings = proc::read_mappings(pid);
      if (!mappings) continue;
      versions.has_unknown(mappings.value());
      hashes.read_ahead(mappings.value(), request.inputs);
    }
  }
};

/// While it lives, pauses of this thread are as short as they shall be, where they would be 50
/// microseconds longer (PR_SET_TIMERSLACK of prctl(2)): an app stands still for hundreds of them.
class ExactPauses {
 public:
  ExactPauses() : slack_(prctl(PR_GET_TIMERSLACK)) { prctl(PR_SET_TIMERSLACK, 1ul); }
  ~ExactPauses() {
    if (slack_ > 0) prctl(PR_SET_TIMERSLACK, static_cast<unsigned long>(slack_));
  }
  ExactPauses(const ExactPauses&) = delete;
  ExactPauses& operator=(const ExactPauses&) = delete;

 private:
  int slack_;
};

constexpr auto kHostName = static_cast<uint32_t>(model::MachineInput::host_name);

bool asks_for_host_name(const model::Machine& machine) {
  return (machine.asked & 1u << kHostName) != 0;
}

/// It is an input only where something of the image may come of it.
void judge_host_name(Capture& capture, HostName& name) {
  model::Requirements& needs = capture.image.requirements.back();
  if (!asks_for_host_name(needs.machine)) return;
  name.scan(capture.image.blobs, false);  // Paths of its files, its sockets' addresses.
  if (!name.found() && !capture.request.host_name_used) {
    needs.machine.asked &= ~(1u << kHostName);
    needs.machine.values[kHostName] = 0;
    return;
  }
  needs.host_name = capture.image.blob(capture.request.host_name);
  if (name.found())
    capture.warnings.push_back(
        "the app's memory holds the hostname, " + capture.request.host_name +
        ": a launch under another is a cold start, unless inputs.ignore_machine = [\"hostname\"]");
}

/// `complete`: empty once it has been done.
Result<Report> attempt(const Request& request, const ReadAhead& ahead,
                       std::function<Result<void>()>& complete) {
  const session::Hold hold(request.relay.get());
  THAW_ASSIGN(app, FrozenTree::take(request.pid, request.ids()));
  if (const auto once = std::exchange(complete, nullptr)) THAW_TRY(once());

  Capture capture(request, static_cast<size_t>(sysconf(_SC_PAGESIZE)));
  capture.openssl_versions = ahead.versions;
  capture.content_hashes = ahead.hashes;
  THAW_TRY(collect(capture, app));
  THAW_ASSIGN(data, plan(capture));
  collect_inputs(capture);
  HostName name(asks_for_host_name(request.machine) ? request.host_name : "");
  THAW_ASSIGN(writer, write_pages(capture, data, name));
  judge_host_name(capture, name);

  Report report;
  // The disk may take its time. Who has called for the checkpoint waits for its outcome, though; an
  // app that is to end stands still until then, for it runs on where the image cannot be written.
  const bool waits = request.leave_running && request.call_address != 0;
  // What an app that runs on closes must be closed: for whoever is at its other end, for epoll, and
  // for its locks and addresses.
  capture.copies.clear();
  report.frozen_ms = app.frozen_ms();
  if (request.leave_running && !waits) app.let_run();
  THAW_ASSIGN(image_size, finish(capture, data, writer));
  if (waits) report.frozen_ms = app.frozen_ms();
  report.warnings = std::move(capture.warnings);
  report.image_size = image_size;
  report.stored_bytes = data.stored();
  for (const ProcessCapture& process : capture.processes) {
    report.threads += process.record.threads.count;
    report.mappings += process.record.mappings.count;
    report.descriptors += process.record.fds.count;
    report.ops += process.record.ops.count;
    for (std::string& warning : secrets_of(process)) report.warnings.push_back(std::move(warning));
  }
  warn_of_timers(capture, report.warnings);
  drop_repeated(report.warnings);
  THAW_TRY(let_go(request, app));
  return report;
}

/// Whether all of the process is dead. Where its main thread is, the others may just be dying.
bool has_ended(pid_t pid, const UniqueFd& pidfd) {
  constexpr int kDyingMs = 300;
  if (!pidfd.valid()) return false;
  pollfd end = {pidfd.get(), POLLIN, 0};
  return poll(&end, 1, proc::is_exiting(pid, pid) ? kDyingMs : 0) > 0;
}

}  // namespace

Result<Report> checkpoint(const Request& request, const Watched& watched) {
  const UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, request.pid, 0)));
  const ReadAhead ahead(request);
  if (watched.end) THAW_TRY(watched.end());
  auto complete = watched.complete;
  const ExactPauses exact;
  // A thread may stand where the image needs other code (an entry point that gets a guard, the
  // vDSO): a moment later it does not.
  constexpr int kAttempts = 200;
  for (int i = 0;; ++i) {
    auto report = attempt(request, ahead, complete);
    if (!report && has_ended(request.pid, process))
      return Error{0, "process " + std::to_string(request.pid) +
                          " has ended during its checkpoint (was it killed?)"};
    if (!report && report.error().err == 0) return with_others(request, report.error());
    if (report || report.error().err != EAGAIN || i == kAttempts) return report;
    const timespec moment = {0, 2'000'000};
    nanosleep(&moment, nullptr);
  }
}

}  // namespace thaw::checkpoint
