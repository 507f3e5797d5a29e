#include "checkpoint/collect/collect.h"

#include <sys/mman.h>

#include <algorithm>

#include "checkpoint/collect/ipc_objects.h"
#include "proc/members.h"

namespace thaw::checkpoint {
namespace {

void find_syscall_instruction(ProcessCapture& process, bool (*wanted)(const Vma&)) {
  for (const Vma& vma : process.vmas) {
    if (process.syscall_instruction != 0) return;
    if ((vma.prot & PROT_EXEC) == 0 || !wanted(vma)) continue;
    std::vector<uint8_t> bytes(std::min<uint64_t>(vma.size(), 4 << 20));
    if (!process.memory.read(vma.start, bytes.data(), bytes.size())) continue;
    const ptrdiff_t at = arch::find_syscall_instruction(bytes);
    if (at >= 0) process.syscall_instruction = vma.start + static_cast<uint64_t>(at);
  }
}

/// Whether the kernel writes to the last page of the area for any of the process's threads: not where
/// they need a right of their own (pkeys(7)), or where a guard lies (MADV_GUARD_INSTALL).
bool takes_arguments(const ProcessCapture& process, const Vma& vma, size_t page_size) {
  constexpr int kBoth = PROT_READ | PROT_WRITE;
  uint8_t byte = 0;
  return (vma.prot & kBoth) == kBoth && !vma.shared && !vma.is_file() && vma.key == 0 &&
         vma.resident_kb > 0 && process.memory.read(vma.end - page_size, &byte, sizeof(byte));
}

/// Where system calls are injected, and room for their arguments.
Result<void> prepare_injection(ProcessCapture& process, size_t page_size) {
  // The kernel's own code first: no thread is ever stopped in a system call there, and on ARM a
  // call injected at the very instruction of an interrupted one would be taken for that one.
  find_syscall_instruction(
      process, [](const Vma& vma) { return vma.path == "[sigpage]" || vma.path == "[vdso]"; });
  find_syscall_instruction(process, [](const Vma& vma) { return vma.is_file(); });
  for (const Vma& vma : process.vmas) {
    if (process.scratch == 0 && takes_arguments(process, vma, page_size))
      process.scratch = vma.end - page_size;
  }
  if (process.syscall_instruction == 0)
    return Error{0, "the app has no code with a system call instruction"};
  if (process.scratch == 0) return Error{0, "the app has no writable memory"};
  return {};
}

Result<ProcessCapture> look_at(const Freeze& frozen, size_t page_size) {
  THAW_ASSIGN(memory, proc::Memory::open(frozen.pid()));
  ProcessCapture process(frozen.pid(), std::move(memory));
  process.ptrace_options = frozen.options();
  process.stop_signal = frozen.stop_signal();
  for (const pid_t tid : frozen.tids()) process.threads.push_back({tid, {}, {}});
  THAW_ASSIGN(vmas, proc::read_vmas(frozen.pid()));
  process.vmas = std::move(vmas);
  THAW_TRY(prepare_injection(process, page_size));
  THAW_ASSIGN(seen,
              lookups::settle(frozen, process.vmas, process.syscall_instruction, process.scratch));
  if (seen) {  // Its mappings have changed.
    process.lookups = std::move(seen);
    THAW_ASSIGN(after, proc::read_vmas(frozen.pid()));
    process.vmas = std::move(after);
  }
  return process;
}

Result<void> collect_one(Capture& capture, ProcessCapture& process) {
  THAW_TRY(collect_filters(capture, process));
  THAW_TRY(collect_threads(capture, process));
  THAW_TRY(collect_credentials(capture, process));
  THAW_TRY(collect_process(capture, process));
  THAW_TRY(collect_tracer(capture, process));
  return collect_own_settings(capture, process);
}

/// What is refused of another process than the root says which it is.
template <typename T>
Result<T> named(Result<T> result, const FrozenTree& app, pid_t pid) {
  if (result || pid == app.processes().front().pid()) return result;
  return proc::of_member(result.error(), pid);
}

}  // namespace

Result<void> collect(Capture& capture, const FrozenTree& app) {
  for (const Freeze& frozen : app.processes()) {
    THAW_ASSIGN(process, named(look_at(frozen, capture.page_size), app, frozen.pid()));
    capture.processes.push_back(std::move(process));
  }
  for (const pid_t pid : app.ended()) capture.ended.push_back({pid, {}});
  for (ProcessCapture& process : capture.processes)
    THAW_TRY(named(collect_one(capture, process), app, process.pid));
  THAW_TRY(collect_kinship(capture));
  THAW_TRY(collect_requirements(capture));
  collect_answer(capture);
  THAW_TRY(collect_descriptors(capture));
  THAW_TRY(collect_ipc_objects(capture));
  THAW_TRY(collect_controlling_terminals(capture));
  THAW_TRY(check_pid_namespace(capture));
  for (ProcessCapture& process : capture.processes) expect_redraw(capture, process);
  return {};
}

}  // namespace thaw::checkpoint
