#include "launch/launch.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/rseq.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

#include "arch/arch.h"
#include "arch/this_cpu.h"
#include "image/verify_data.h"
#include "launch/check/check.h"
#include "launch/open/sources.h"
#include "launch/prepare/descriptors.h"
#include "launch/prepare/kernel_mappings.h"
#include "launch/prepare/restorer_area.h"
#include "launch/prepare/time_namespace.h"
#include "launch/prepare/vdso_trampolines.h"
#include "restorer/cold_start.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace thaw::launch {
namespace {

using image::View;
using restorer::Handover;

/// Goes back to the caller's time namespace, unless the launch goes on.
class TimeNamespace {
 public:
  TimeNamespace() = default;
  TimeNamespace(const TimeNamespace&) = delete;
  TimeNamespace& operator=(const TimeNamespace&) = delete;
  ~TimeNamespace() {
    if (before.valid()) setns(before.get(), CLONE_NEWTIME);
  }
  UniqueFd before;
};

/// Blocks every signal: none may be handled while there is no memory to handle it in.
class BlockSignals {
 public:
  BlockSignals() {
    const uint64_t all = ~uint64_t{0};
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before_, sizeof(all));
  }
  BlockSignals(const BlockSignals&) = delete;
  BlockSignals& operator=(const BlockSignals&) = delete;
  ~BlockSignals() { syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before_, nullptr, sizeof(before_)); }
  [[nodiscard]] uint64_t before() const { return before_; }

 private:
  uint64_t before_ = 0;
};

size_t strings_size(char* const* strings) {
  size_t size = sizeof(char*);
  for (; *strings != nullptr; ++strings) size += strlen(*strings) + 1 + sizeof(char*);
  return size;
}

char* copy_string(RestorerArea& area, const char* text) {
  const size_t size = strlen(text) + 1;
  return static_cast<char*>(memcpy(area.allocate<char>(size), text, size));
}

char* const* copy_strings(RestorerArea& area, char* const* strings) {
  size_t count = 0;
  while (strings[count] != nullptr) ++count;
  char** copies = area.allocate<char*>(count + 1);
  for (size_t i = 0; i < count; ++i) copies[i] = copy_string(area, strings[i]);
  copies[count] = nullptr;
  return copies;
}

/// Everything that a launch prepares while a cold start is still just a return away.
class Preparation {
 public:
  Preparation(const ExecCall& call, View& view)
      : call_(call), view_(view), process_(view.processes()[0]), descriptors_(view) {}

  Error run() {
    if (auto result = prepare(); !result) return result.error();
    return enter_restorer().error();
  }

 private:
  Result<void> prepare() {
    THAW_ASSIGN(image, descriptors_.move_high(view_.take_fd()));
    view_.set_fd(std::move(image));
    THAW_TRY(sources_.open(view_, descriptors_, trains() ? call_.image : nullptr));
    THAW_TRY(continue_clocks(view_, clocks_.before));
    THAW_ASSIGN(kernel, read_kernel_mappings(view_));
    kernel_ = std::move(kernel);
    THAW_TRY(prepare_vdso());
    open_exe();
    if (trains()) forget_files();
    if (clocks_.before.valid()) {
      THAW_ASSIGN(before, descriptors_.move_high(std::move(clocks_.before)));
      clocks_.before = std::move(before);
    }
    THAW_TRY(descriptors_.restore());
    return {};
  }

  [[nodiscard]] bool trains() const { return call_.feed == Feed::record; }

  /// Under another kernel, the app's old vDSO is patched to jump to this kernel's.
  Result<void> prepare_vdso() {
    if (process_.vdso_start == 0 || kernel_.same) return {};
    if (kernel_.vdso_start == 0) return Error{0, "this kernel has no vDSO, which the app needs"};
    THAW_ASSIGN(target, place_kernel_mappings());
    const std::string_view old = view_.bytes(view_.requirements_record().vdso);
    if (old.size() != process_.vdso_size) return Error{0, "the image has no copy of its vDSO"};
    THAW_ASSIGN(patched,
                vdso_trampolines(
                    {reinterpret_cast<const uint8_t*>(old.data()), old.size()},
                    {reinterpret_cast<const uint8_t*>(static_cast<uintptr_t>(kernel_.vdso_start)),
                     static_cast<size_t>(kernel_.vdso_size)},
                    process_.vdso_start, target));
    trampolines_ = std::move(patched);
    return {};
  }

  /// This kernel's mappings go, as one block, into a gap of the app; the new address of its vDSO.
  Result<uint64_t> place_kernel_mappings() {
    const uint64_t low = kernel_.moves.front().from;
    const uint64_t size = kernel_.moves.back().from + kernel_.moves.back().size - low;
    for (const model::Gap& gap : View::part(view_.gaps(), process_.gaps)) {
      if (gap.end - gap.start < size + kSpare) continue;
      const uint64_t to = gap.end - size;  // The restorer area takes the low end.
      for (restorer::Move& move : kernel_.moves) move.to = to + (move.from - low);
      return to + (kernel_.vdso_start - low);
    }
    return Error{ENOMEM, "there is no room for this kernel's vDSO in the app's address space"};
  }

  /// Pages that lie in the page cache are mapped along with their neighbours: out with them, but
  /// for those that other processes map.
  void forget_files() const {
    image::forget_data(view_);
    for (const int fd : sources_.fds()) posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  }

  void open_exe() {
    const model::Requirements& needs = view_.requirements_record();
    if (needs.program_file == model::kNone) return;
    if (!trains()) exe_fd_ = sources_.fd_of(view_, needs.program_file);
    if (exe_fd_ >= 0) return;
    UniqueFd fd(
        open(view_.bytes(view_.files()[needs.program_file].path).data(), O_RDONLY | O_CLOEXEC));
    if (!fd.valid()) return;
    auto moved = descriptors_.move_high(std::move(fd));
    if (!moved) return;
    exe_ = moved.take();
    exe_fd_ = exe_.get();
  }

  [[nodiscard]] size_t data_size() const {
    constexpr size_t kAlignments = 512;
    return sizeof(Handover) + kAlignments + sources_.fds().size() * sizeof(int) +
           trampolines_.size() + view_.requirements_record().sigpage.size +
           kernel_.all.size() * sizeof(restorer::Move) +
           (descriptors_.close_at_commit().size() + descriptors_.close_for_cold_start().size()) *
               sizeof(restorer::FdRange) +
           descriptors_.saved().size() * sizeof(restorer::SavedFd) +
           descriptors_.owners().size() * sizeof(restorer::FdOwner) + strlen(call_.program) + 1 +
           strings_size(call_.argv) + strings_size(call_.envp);
  }

  void fill_records(RestorerArea& area, Handover& handover) const {
    handover.process = area.here(view_.processes().subspan(0, 1));
    handover.threads = area.here(View::part(view_.threads(), process_.threads));
    handover.ops = area.here(View::part(view_.ops(), process_.ops));
    handover.sigactions = area.here(View::part(view_.sigactions(), process_.sigactions));
    handover.timers = area.here(View::part(view_.posix_timers(), process_.timers));
    handover.pending = area.here(view_.pending_signals());
    handover.robust_words = area.here(view_.robust_words());
    handover.blobs = area.here(view_.blobs());
    handover.finish_code = process_.finish_code;
    handover.leave_code = process_.leave_code;
    handover.feed_runs = area.here(view_.feed_runs());
    handover.feed_count =
        call_.feed == Feed::on ? static_cast<uint32_t>(view_.feed_runs().size()) : 0;
    handover.record = trains() ? 1 : 0;
  }

  /// Code that a signal interrupted within the old vDSO goes on there when its handler returns: it
  /// finds that the clock's data have changed (zeros), begins anew, finds no clock in them and
  /// makes the system call (lib/vdso/gettimeofday.c of the kernel).
  void fill_stand_ins(RestorerArea& area, Handover& handover) const {
    auto add = [&handover](const restorer::StandIn& copy) {
      if (copy.size != 0) handover.stand_ins[handover.stand_in_count++] = copy;
    };
    const auto* code = reinterpret_cast<const char*>(trampolines_.data());
    const std::string_view sigpage = view_.bytes(view_.requirements_record().sigpage);
    add({process_.vdso_start, process_.vdso_size,
         area.copy(std::span<const char>(code, trampolines_.size())), 1});
    add({process_.vvar_start, process_.vvar_size, nullptr, 0});
    add({process_.vvar_start, sigpage.size(), area.copy(std::span<const char>(sigpage)), 1});
  }

  void fill_cold_start(RestorerArea& area, restorer::ColdStart& cold) const {
    if (call_.fallback) cold.program = copy_string(area, call_.program);
    cold.argv = copy_strings(area, call_.argv);
    cold.envp = copy_strings(area, call_.envp);
    cold.saved_fds = area.copy(std::span<const restorer::SavedFd>(descriptors_.saved()));
    cold.saved_fd_count = static_cast<uint32_t>(descriptors_.saved().size());
    const auto close = descriptors_.close_for_cold_start();
    cold.close = area.copy(std::span<const restorer::FdRange>(close));
    cold.close_count = static_cast<uint32_t>(close.size());
    cold.time_namespace = clocks_.before.valid() ? clocks_.before.get() : -1;
    cold.signal_mask = signals_.before();
  }

  void fill(RestorerArea& area, Handover& handover) const {
    handover.area_start = area.start();
    handover.area_size = area.size();
    handover.stacks = area.stacks() + RestorerArea::kLeaderStack -
                      RestorerArea::kThreadStack;  // index 1 follows the leader's
    handover.stack_size = RestorerArea::kThreadStack;
    handover.interim = area.interim();
    fill_records(area, handover);
    handover.image_fd = view_.fd();
    handover.source_fds = area.copy(std::span<const int>(sources_.fds()));
    handover.exe_fd = exe_fd_;
    struct statvfs store = {};
    handover.no_exec_store =
        fstatvfs(view_.fd(), &store) == 0 && (store.f_flag & ST_NOEXEC) != 0 ? 1 : 0;
    handover.keep_pid = call_.keep_pid ? 1 : 0;
    if (__rseq_size != 0) {
      handover.old_rseq = reinterpret_cast<uintptr_t>(
          static_cast<char*>(__builtin_thread_pointer()) + __rseq_offset);
      handover.old_rseq_size = kRegisteredRseqSize;
      handover.old_rseq_signature = RSEQ_SIG;
    }
    for (const restorer::Move& move : kernel_.moves) handover.moves[handover.move_count++] = move;
    handover.own = area.copy(std::span<const restorer::Move>(kernel_.all));
    handover.own_count = static_cast<uint32_t>(kernel_.all.size());
    if (!trampolines_.empty()) fill_stand_ins(area, handover);
    const auto close = descriptors_.close_at_commit();
    handover.close = area.copy(std::span<const restorer::FdRange>(close));
    handover.close_count = static_cast<uint32_t>(close.size());
    handover.owners = area.copy(std::span<const restorer::FdOwner>(descriptors_.owners()));
    handover.owner_count = static_cast<uint32_t>(descriptors_.owners().size());
    handover.log = call_.log;
    handover.times[restorer::kStarted] = call_.started_ns;
    fill_cold_start(area, handover.cold);
  }

  /// The caller's arguments and environment, for the app to ask for (include/thaw.h).
  void fill_delivery(const RestorerArea& area, Handover& handover) const {
    handover.call_address = view_.requirements_record().call_address;
    handover.delivery_size = area.delivery_size();
    if (handover.call_address == 0) return;
    auto* next = reinterpret_cast<char*>(static_cast<uintptr_t>(area.delivery()));
    auto put = [&next](char* const* strings, uint64_t& address, uint64_t& size) {
      char* const first = next;
      for (; *strings != nullptr; ++strings) next = stpcpy(next, *strings) + 1;
      address = reinterpret_cast<uintptr_t>(first);
      size = static_cast<uint64_t>(next - first);
    };
    put(call_.argv, handover.arguments, handover.arguments_size);
    put(call_.envp, handover.environment, handover.environment_size);
  }

  Result<void> enter_restorer() {
    if (kernel_.moves.size() > std::size(Handover{}.moves))
      return Error{0, "this kernel has more mappings of its own than thaw knows"};
    RestorerArea::Sizes sizes;
    sizes.data = data_size();
    sizes.threads = process_.threads.count;
    if (view_.requirements_record().call_address != 0)
      sizes.delivery = strings_size(call_.argv) + strings_size(call_.envp);
    for (const restorer::Move& move : kernel_.moves) sizes.moves += move.size;
    THAW_ASSIGN(area, RestorerArea::make(view_, kernel_, sizes));
    Handover* handover = new (area.allocate<Handover>(1)) Handover;
    fill(area, *handover);
    fill_delivery(area, *handover);
    THAW_TRY(arch::take_over_extras(View::part(view_.threads(), process_.threads)));
    THAW_TRY(area.take_metadata());  // Last: nothing finds it where it was.
    raw::switch_stack(area.stacks() + RestorerArea::kLeaderStack, area.start(), handover);
  }

  static constexpr uint64_t kSpare = 64 << 20;
  static constexpr uint32_t kRegisteredRseqSize =
      32;  ///< glibc registers at least this (sys/rseq.h)

  const ExecCall& call_;
  View& view_;
  const model::Process& process_;
  BlockSignals signals_;
  TimeNamespace clocks_;
  Descriptors descriptors_;
  Sources sources_;
  KernelMappings kernel_;
  UniqueFd exe_;  ///< where no source is the program
  int exe_fd_ = -1;
  std::vector<uint8_t> trampolines_;
};

/// Another name of the same file is the same program, unless it looks at the name that it was
/// called by (busybox).
bool same_program(const View& view, const ExecCall& call, std::string_view argv0) {
  const model::Requirements& needs = view.requirements_record();
  const char* wanted = view.bytes(needs.program).data();
  if (strcmp(wanted, call.program) == 0) return true;
  struct stat a = {}, b = {};
  return call.argv[0] != nullptr && argv0 == call.argv[0] && stat(wanted, &a) == 0 &&
         stat(call.program, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/// The arguments are part of the warm state: others mean another app. argv[0] is only a name.
Result<void> check_arguments(const View& view, const ExecCall& call) {
  const model::Requirements& needs = view.requirements_record();
  std::string_view wanted = view.bytes(needs.arguments);
  auto next = [&wanted] {
    const std::string_view argument = wanted.substr(0, wanted.find('\0'));
    wanted.remove_prefix(std::min(wanted.size(), argument.size() + 1));
    return argument;
  };
  if (!same_program(view, call, next()))
    return Error{0, "the image is of " + std::string(view.bytes(needs.program)) + ", not of " +
                        call.program};
  if (needs.deliver_arguments != 0) return {};
  char* const* argument = call.argv[0] == nullptr ? call.argv : call.argv + 1;
  for (; *argument != nullptr; ++argument)
    if (wanted.empty() || next() != *argument) break;
  if (*argument == nullptr && wanted.empty()) return {};
  return Error{0, "the image was made with other arguments"};
}

/// What the profile declares is part of the warm state, too: a caller that sets another value wants
/// another app.
Result<void> check_environment(const View& view, const ExecCall& call) {
  std::string_view declared = view.bytes(view.requirements_record().declared);
  while (!declared.empty()) {
    const std::string_view entry = declared.substr(0, declared.find('\0'));
    declared.remove_prefix(std::min(declared.size(), entry.size() + 1));
    const std::string_view name = entry.substr(0, entry.find('=') + 1);
    for (char* const* own = call.envp; *own != nullptr; ++own)
      if (std::string_view(*own).starts_with(name) && *own != entry)
        return Error{0,
                     "the image was made with " + std::string(entry) + ", the caller has " + *own};
  }
  return {};
}

}  // namespace

Error launch(const ExecCall& call) {
  auto view = View::open(call.image);
  if (!view) return view.error();
  if (auto result = check_owner(view.value().fd(), call.image); !result) return result.error();
  if (auto result = check_launch(view.value()); !result) return result.error();
  if (auto result = check_arguments(view.value(), call); !result) return result.error();
  if (auto result = check_environment(view.value(), call); !result) return result.error();
  return Preparation(call, view.value()).run();
}

}  // namespace thaw::launch
