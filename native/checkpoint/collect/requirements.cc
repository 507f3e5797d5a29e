// What a launch needs of the device: CPU, kernel, clocks, user, program.
#include <fcntl.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "checkpoint/area_header.h"
#include "checkpoint/collect/collect.h"
#include "image/hash.h"
#include "support/clock.h"
#include "support/file.h"

namespace thaw::checkpoint {
namespace {

struct ClockOffsets {
  int64_t monotonic = 0, boottime = 0;
};

/// Offsets of the time namespace that `process` ("self" or a pid) is in (time_namespaces(7)).
ClockOffsets clock_offsets(const std::string& process) {
  ClockOffsets offsets;
  auto text = read_file("/proc/" + process + "/timens_offsets");
  if (!text) return offsets;
  for (const auto line : split(text.value(), "\n")) {
    const auto parts = split(line, " \t");
    if (parts.size() != 3) continue;
    const int64_t value = strtoll(std::string(parts[1]).c_str(), nullptr, 10) * 1'000'000'000 +
                          static_cast<int64_t>(number(parts[2]));
    // /proc shows the offsets of the namespace for children, which is the process's own once it has
    // entered it.
    if (parts[0] == "monotonic" || parts[0] == "1") offsets.monotonic = value;
    if (parts[0] == "boottime" || parts[0] == "7") offsets.boottime = value;
  }
  return offsets;
}

void collect_clocks(const Capture& capture, model::Requirements& needs) {
  const ClockOffsets own = clock_offsets("self");
  const ClockOffsets app = clock_offsets(std::to_string(capture.root().pid));
  needs.monotonic_ns =
      static_cast<uint64_t>(clock_ns(CLOCK_MONOTONIC) - own.monotonic + app.monotonic);
  needs.boottime_ns = static_cast<uint64_t>(clock_ns(CLOCK_BOOTTIME) - own.boottime + app.boottime);
  needs.realtime_ns = static_cast<uint64_t>(clock_ns(CLOCK_REALTIME));
}

/// Bytes of one of the kernel's own mappings.
Result<std::string> bytes_of(const ProcessCapture& process, const Vma& vma) {
  std::string bytes(vma.size(), '\0');
  THAW_TRY(process.memory.read(vma.start, bytes.data(), bytes.size()));
  return bytes;
}

/// The bytes of the vDSO: the same for all processes. Where it stands is in their records.
Result<void> collect_vdso(Capture& capture, model::Requirements& needs) {
  for (const Vma& vma : capture.root().vmas) {
    if (vma.path == "[vdso]") {
      THAW_ASSIGN(bytes, bytes_of(capture.root(), vma));
      needs.vdso = capture.image.blob(bytes);
      needs.vdso_hash = image::hash(bytes.data(), bytes.size());
    }
    if (vma.path != "[sigpage]" || vma.start != capture.root().record.vvar_start) continue;
    THAW_ASSIGN(bytes, bytes_of(capture.root(), vma));
    needs.sigpage = capture.image.blob(bytes);
  }
  return {};
}

std::string joined(const std::vector<std::string>& strings) {
  std::string bytes;
  for (const std::string& s : strings) bytes += s + '\0';
  return bytes;
}

Result<void> collect_program(Capture& capture, model::Requirements& needs) {
  const Request& request = capture.request;
  const std::string folder = "/proc/" + std::to_string(capture.root().pid);
  THAW_ASSIGN(exe, read_link(folder + "/exe"));
  UniqueFd fd(open((folder + "/exe").c_str(), O_RDONLY | O_CLOEXEC));
  // A restored app of an ordinary user has thaw-exec as its exe link; its program is the one that
  // thaw-exec was asked for.
  const auto old_area = find_area(capture.root());
  const std::string program = !request.program.empty() ? request.program
                              : old_area               ? old_area->program
                                                       : exe;
  if (program == exe && exe.ends_with(" (deleted)"))
    return Error{ENOENT, "the app's program " + exe + " is gone from the disk"};
  UniqueFd named(open(program.c_str(), O_RDONLY | O_CLOEXEC));
  if (!named.valid()) named.reset(open(program.c_str(), O_PATH | O_CLOEXEC));
  if (!named.valid()) return errno_error("cannot open the program " + program);
  THAW_ASSIGN(file, capture.image.file(named.get(), program, model::kFileProgram));
  needs.program_file = file;
  needs.program = capture.image.blob(program);

  std::string arguments = joined(request.arguments);
  if (arguments.empty()) {
    THAW_ASSIGN(cmdline, read_file(folder + "/cmdline"));
    arguments = cmdline;
  }
  needs.arguments = capture.image.blob(arguments);
  return collect_environment(capture, needs);
}

Result<void> collect_identity(Capture& capture, model::Requirements& needs) {
  const std::string folder = "/proc/" + std::to_string(capture.root().pid);
  THAW_ASSIGN(status, read_file(folder + "/status"));
  const auto uids = split(line_value(status, "Uid:"), "\t ");
  const auto gids = split(line_value(status, "Gid:"), "\t ");
  if (uids.size() < 2 || gids.size() < 2)
    return Error{0, "cannot understand " + folder + "/status"};
  needs.euid = static_cast<uint32_t>(number(uids[1]));
  needs.egid = static_cast<uint32_t>(number(gids[1]));
  auto label = read_file(folder + "/attr/current");  // Fails where no security module is active.
  if (label) {
    const std::string& text = label.value();
    needs.security_label =
        capture.image.blob(trim(std::string_view(text).substr(0, text.find('\0'))));
  }
  return {};
}

/// What handlers that are running need to return.
void collect_frame_features(const ProcessCapture& process, arch::CpuFeatures& features) {
  if (arch::kFrameSearch == 0) return;
  for (const ThreadCapture& thread : process.threads) {
    const uint64_t start = arch::stack_pointer(thread.registers);
    const Vma* stack = process.mapping(start);
    if (stack == nullptr) continue;
    std::vector<uint8_t> bytes(std::min<uint64_t>(arch::kFrameSearch, stack->end - start));
    if (process.memory.read(start, bytes.data(), bytes.size()))
      arch::add_frame_features(bytes, features);
  }
}

}  // namespace

Result<void> collect_requirements(Capture& capture) {
  model::Requirements needs;
  arch::CpuFeatures features = arch::cpu_features();
  for (const ProcessCapture& process : capture.processes) collect_frame_features(process, features);
  memcpy(needs.cpu_features, features.words, sizeof(needs.cpu_features));
  collect_clocks(capture, needs);
  utsname kernel = {};
  uname(&kernel);
  needs.kernel = capture.image.blob(std::string(kernel.release) + " " + kernel.version);
  needs.profile = capture.image.blob(capture.request.profile);
  needs.deliver_arguments = capture.request.deliver_arguments ? 1 : 0;
  needs.call_address = capture.request.call_address;
  if (!capture.request.any_folder)
    needs.folder = capture.image.blob(real_path(capture.request.cwd));
  needs.clocks_jump = capture.request.clocks_jump ? 1 : 0;
  needs.watched = capture.request.watched ? 1 : 0;
  needs.machine = capture.request.machine;
  capture.image.layouts = capture.request.layouts;
  needs.guard_tries = capture.request.guard_tries;
  needs.guard_within_ms = capture.request.guard_within_ms;
  const inputs::Root& root = capture.request.root;
  needs.root = {capture.image.blob(root.file), capture.image.blob(root.folders), root.content,
                root.mounts};
  THAW_TRY(collect_vdso(capture, needs));
  THAW_TRY(collect_program(capture, needs));
  THAW_TRY(collect_identity(capture, needs));
  capture.image.requirements.push_back(needs);
  return {};
}

}  // namespace thaw::checkpoint
