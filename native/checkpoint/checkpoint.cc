#include "checkpoint/checkpoint.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "checkpoint/freeze/app_call.h"
#include "checkpoint/freeze/freeze.h"
#include "checkpoint/freeze/leave_vdso.h"
#include "proc/check_supported.h"

namespace thaw::checkpoint {
namespace {

double now_ms() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

Result<Report> write_image(const Request& request, const Freeze& freeze) {
  image::Builder builder;
  THAW_ASSIGN(writer,
              image::Writer::create(request.image, static_cast<size_t>(sysconf(_SC_PAGESIZE))));
  Capture capture = {request, builder, writer, {}, {}, freeze.tids(), {}, {}, {}, 0, 0, {}};
  capture.memory.reset(
      open(("/proc/" + std::to_string(request.pid) + "/mem").c_str(), O_RDONLY | O_CLOEXEC));
  if (!capture.memory.valid())
    return errno_error("cannot read the memory of process " + std::to_string(request.pid));

  THAW_TRY(prepare_injection(capture));
  THAW_TRY(collect_threads(capture));
  THAW_TRY(collect_process(capture));
  THAW_TRY(collect_requirements(capture));
  THAW_TRY(collect_descriptors(capture));
  THAW_TRY(plan_memory(capture));
  builder.processes.push_back(capture.process);

  THAW_ASSIGN(header, writer.finish(builder, arch::kCpu));
  Report report;
  report.image_size = header.file_size;
  report.stored_bytes = writer.stored();
  report.threads = capture.process.threads.count;
  report.mappings = capture.process.mappings.count;
  report.descriptors = capture.process.fds.count;
  report.ops = capture.process.ops.count;
  return report;
}

void find_syscall_instruction(Capture& capture, bool (*wanted)(const Vma&)) {
  for (const Vma& vma : capture.vmas) {
    if (capture.syscall_instruction != 0) return;
    if ((vma.prot & PROT_EXEC) == 0 || !wanted(vma)) continue;
    std::vector<uint8_t> bytes(std::min<uint64_t>(vma.size(), 4 << 20));
    if (!read_app(capture, vma.start, bytes.data(), bytes.size())) continue;
    const ptrdiff_t at = arch::find_syscall_instruction(bytes);
    if (at >= 0) capture.syscall_instruction = vma.start + static_cast<uint64_t>(at);
  }
}

Result<Report> attempt(const Request& request) {
  THAW_TRY(proc::check_supported(request.pid));
  THAW_ASSIGN(freeze, Freeze::take(request.pid));
  const double started = now_ms();
  THAW_TRY(leave_vdso(freeze));
  // Once more: a child may have been born before all threads stood still.
  THAW_TRY(proc::check_supported(request.pid));
  THAW_ASSIGN(report, write_image(request, freeze));
  report.frozen_ms = now_ms() - started;
  if (!request.leave_running)
    freeze.kill();
  else if (request.call_address != 0)
    THAW_TRY(answer_call(request.pid, request.call_address, kCallLeftRunning));
  return report;
}

}  // namespace

Result<void> prepare_injection(Capture& capture) {
  THAW_ASSIGN(vmas, proc::read_vmas(capture.request.pid));
  capture.vmas = std::move(vmas);
  // The kernel's own code first: no thread is ever stopped in a system call there, and on ARM a
  // call injected at the very instruction of an interrupted one would be taken for that one.
  find_syscall_instruction(
      capture, [](const Vma& vma) { return vma.path == "[sigpage]" || vma.path == "[vdso]"; });
  find_syscall_instruction(capture, [](const Vma& vma) { return vma.is_file(); });
  for (const Vma& vma : capture.vmas) {
    const bool writable = (vma.prot & (PROT_READ | PROT_WRITE)) == (PROT_READ | PROT_WRITE) &&
                          !vma.shared && !vma.is_file();
    if (writable && capture.scratch == 0 && vma.resident_kb > 0)
      capture.scratch = vma.end - capture.writer.page_size();
  }
  if (capture.syscall_instruction == 0)
    return Error{0, "the app has no code with a system call instruction"};
  if (capture.scratch == 0) return Error{0, "the app has no writable memory"};
  return {};
}

Result<Report> checkpoint(const Request& request) {
  // A thread may stand where the image needs other code (an entry point that gets a guard, the
  // vDSO): a moment later it does not.
  constexpr int kAttempts = 100;
  for (int i = 0;; ++i) {
    auto report = attempt(request);
    if (report || report.error().err != EAGAIN || i == kAttempts) return report;
    const timespec moment = {0, 2'000'000};
    nanosleep(&moment, nullptr);
  }
}

}  // namespace thaw::checkpoint
