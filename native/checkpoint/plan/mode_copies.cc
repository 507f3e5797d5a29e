// Finds the copies that an app keeps of its terminal's mode: an editor or a shell that sets a mode of
// its own sets the one from before again, which in a launch is that of another terminal.
#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "checkpoint/plan/memory_plan.h"
#include "checkpoint/usual_mode.h"
#include "proc/members.h"

namespace thaw::checkpoint {
namespace {

constexpr size_t kChunk = 1 << 20;

bool is_usual(const termios& mode) {
  namespace usual = usual_mode;
  constexpr uint32_t kLine = CSIZE | CREAD | PARENB;
  return (mode.c_iflag & ~usual::kNotOwnInput) == usual::kInput && mode.c_oflag == usual::kOutput &&
         mode.c_lflag == usual::kLocal && (mode.c_cflag & kLine) == (CS8 | CREAD) &&
         mode.c_line == 0 && memcmp(mode.c_cc, usual::kCharacters, NCCS) == 0;
}

/// Whether what stands there is glibc's, which has as many more characters and two speeds.
bool has_speeds(std::span<const char> bytes) {
  if (bytes.size() < model::kModeCopySize) return false;
  termios mode = {};
  memcpy(&mode, bytes.data(), sizeof(mode));
  uint32_t speeds[2] = {};
  memcpy(speeds, bytes.data() + model::kModeCopySize - sizeof(speeds), sizeof(speeds));
  const uint32_t speed = mode.c_cflag & CBAUD;
  return speeds[0] == speed && speeds[1] == speed;
}

class CopyFinder {
 public:
  CopyFinder(const Capture& capture, const ProcessCapture& process)
      : capture_(capture), process_(process), buffer_(kChunk) {
    if (const auto& mode = capture.root().terminal_mode) {
      memcpy(&now_, mode->data(), sizeof(now_));
      knows_now_ = true;
    }
  }

  std::vector<model::ModeCopy> run(const MemoryPlan& plan) {
    for (const Region& region : plan.regions)
      if (!region.vma->shared && (region.vma->prot & PROT_WRITE) != 0)
        for (const Span& span : region.runs) scan(span);
    return std::move(found_);
  }

 private:
  void scan(const Span& span) {
    // The last of a chunk may go on in the next one.
    constexpr uint64_t kStep = kChunk - 4096;
    for (uint64_t address = span.start; address < span.end; address += kStep) {
      const size_t size = std::min<uint64_t>(kChunk, span.end - address);
      process_.memory.read_pages(address, buffer_.data(), size, capture_.page_size);
      const size_t own = std::min<uint64_t>(kStep, size);
      for (size_t at = 0; at < own && size - at >= model::kModeSize; at += sizeof(uint32_t))
        look_at(address + at, std::span(buffer_).subspan(at, size - at));
    }
  }

  void look_at(uint64_t address, std::span<const char> bytes) {
    uint32_t input = 0;
    memcpy(&input, bytes.data(), sizeof(input));
    const bool may_be_now = knows_now_ && input == now_.c_iflag;
    if (!may_be_now && (input & ~usual_mode::kNotOwnInput) != usual_mode::kInput) return;
    termios mode = {};
    memcpy(&mode, bytes.data(), sizeof(mode));
    const bool start = is_usual(mode);
    if (!start && !(may_be_now && memcmp(&mode, &now_, sizeof(mode)) == 0)) return;
    const auto of = start ? model::ModeCopyOf::start : model::ModeCopyOf::now;
    found_.push_back({address, of, has_speeds(bytes) ? 1u : 0u});
  }

  const Capture& capture_;
  const ProcessCapture& process_;
  termios now_ = {};
  bool knows_now_ = false;
  std::vector<char> buffer_;
  std::vector<model::ModeCopy> found_;
};

bool has_own_mode(const model::Terminal& terminal) {
  return (terminal.input.changed | terminal.output.changed | terminal.local.changed) != 0;
}

void warn(Capture& capture, const ProcessCapture& process, bool found_start) {
  if (!capture.is_root(process)) {
    if (found_start)
      capture.warnings.push_back("process " + std::to_string(process.pid) + " (" +
                                 proc::name_of(process.pid) +
                                 ") keeps the mode of its terminal, and a launch does not correct "
                                 "it there: if it sets it, that is the one of the build");
    return;
  }
  if (!found_start && has_own_mode(process.record.terminal))
    capture.warnings.push_back(
        "the app has set its terminal's mode, and no copy of the one before was found in its "
        "memory: if it sets that again at its end, it is the one of the build");
}

}  // namespace

void plan_mode_copies(Capture& capture, size_t process_index, const MemoryPlan& plan) {
  static_assert(sizeof(termios) == model::kModeSize);
  ProcessCapture& process = capture.processes[process_index];
  const model::Terminal& terminal = capture.root().record.terminal;
  if (terminal.standard == 0 && terminal.held < 0) return;
  const auto copies = CopyFinder(capture, process).run(plan);
  warn(capture, process, std::any_of(copies.begin(), copies.end(), [](const auto& copy) {
         return copy.of == model::ModeCopyOf::start;
       }));
  if (!capture.is_root(process)) return;
  auto& all = capture.image.mode_copies;
  process.record.mode_copies = {static_cast<model::Index>(all.size()),
                                static_cast<uint32_t>(copies.size())};
  all.insert(all.end(), copies.begin(), copies.end());
}

}  // namespace thaw::checkpoint
