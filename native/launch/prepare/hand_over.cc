#include "launch/prepare/hand_over.h"

#include <sys/rseq.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cstdio>
#include <type_traits>

#include "launch/prepare/cold_start.h"
#include "launch/prepare/delivery.h"
#include "launch/prepare/keep_pid.h"
#include "launch/prepare/page_cache.h"

namespace thaw::launch {
namespace {

using image::View;
using restorer::Handover;

static_assert(std::is_trivially_copyable_v<Handover>);

bool is_noexec(int fd) {
  struct statvfs store = {};
  return fstatvfs(fd, &store) == 0 && (store.f_flag & ST_NOEXEC) != 0;
}

/// What glibc has registered for the only thread of this process.
void describe_own_rseq(Handover& handover) {
  constexpr uint32_t kRegisteredSize = 32;  // glibc registers at least this (sys/rseq.h).
  if (__rseq_size == 0) return;
  handover.old_rseq =
      reinterpret_cast<uintptr_t>(static_cast<char*>(__builtin_thread_pointer()) + __rseq_offset);
  handover.old_rseq_size = kRegisteredSize;
  handover.old_rseq_signature = RSEQ_SIG;
}

bool is_cached(const Prepared& prepared) {
  const bool cached = holds_working_set(prepared.view);
  if (prepared.call.log >= restorer::kLogDebug)
    fprintf(stderr, "thaw-exec: the page cache %s the working set\n", cached ? "holds" : "lacks");
  return cached;
}

/// The numbers, which do not depend on where anything lies in the restorer area.
Handover describe(const Prepared& prepared) {
  const ExecCall& call = prepared.call;
  const View& view = prepared.view;
  const model::Process& process = prepared.tree.process();
  const auto& moves = prepared.kernel.moves;
  Handover handover;
  handover.finish_code = process.finish_code;
  handover.leave_code = process.leave_code;
  const bool feeds = call.feed == Feed::on && !prepared.tree.is_member();
  handover.feed_count = feeds ? static_cast<uint32_t>(view.feed_runs().size()) : 0;
  if (handover.feed_count != 0) handover.cached = is_cached(prepared) ? 1 : 0;
  handover.record = call.trains() ? 1 : 0;
  handover.image_fd = view.fd();
  handover.exe_fd = prepared.sources.program(prepared.tree.self());
  handover.no_exec_store = is_noexec(view.fd()) ? 1 : 0;
  handover.ready_fd = prepared.ready.socket();
  handover.keep_pid = keeps_pid(view, call) ? 1 : 0;
  handover.user_namespace = is_in_user_namespace() ? 1 : 0;
  handover.page_size = view.header().page_size;
  describe_own_rseq(handover);
  std::copy(moves.begin(), moves.end(), handover.moves);
  handover.move_count = static_cast<uint32_t>(moves.size());
  for (const AttachedMemory::WithKey& segment : prepared.attached.with_key()) {
    handover.made_segments |= (segment.made ? 1u : 0u) << handover.segment_id_count;
    handover.segment_ids[handover.segment_id_count++] = segment.id;
  }
  for (const IpcObjects::Made& made : prepared.ipc.made()) {
    handover.made_queues |= (made.queue ? 1u : 0u) << handover.made_ipc_count;
    handover.made_ipc[handover.made_ipc_count++] = made.id;
  }
  if (!prepared.tree.is_member()) {
    handover.call_address = view.requirements_record().call_address;
    handover.environ_address = view.requirements_record().environ_address;
  }
  // Of what a launch tells beside what is wrong, once is enough.
  handover.log = prepared.tree.is_member() ? std::min(call.log, restorer::kLogWarn) : call.log;
  handover.times[restorer::kStarted] = call.started_ns;
  return handover;
}

/// Code that a signal interrupted within the old vDSO goes on there when its handler returns: it
/// finds that the clock's data have changed (zeros), begins anew, finds no clock in them and
/// makes the system call (lib/vdso/gettimeofday.c of the kernel).
void copy_stand_ins(const Prepared& prepared, Arena& arena, Handover& handover) {
  const model::Process& process = prepared.tree.process();
  const auto& trampolines = prepared.kernel.trampolines;
  if (prepared.kernel.in_place) return;
  const std::string_view sigpage = prepared.view.bytes(prepared.view.requirements_record().sigpage);
  handover.stand_in_count = 0;
  auto add = [&handover](const restorer::StandIn& copy) {
    if (copy.size != 0) handover.stand_ins[handover.stand_in_count++] = copy;
  };
  const auto* code =
      reinterpret_cast<const char*>(arena.copy(std::span<const uint8_t>(trampolines)));
  if (!trampolines.empty()) add({process.vdso_start, process.vdso_size, code, 1});
  add({process.vvar_start, process.vvar_size, nullptr, 0});
  add({process.vvar_start, sigpage.size(), arena.copy(std::span<const char>(sigpage)), 1});
}

/// The record alone: what it points to is known when the area is made.
void copy_tree(const Tree& tree, Arena& arena, Handover& handover) {
  if (tree.record() != nullptr) handover.tree = arena.copy(std::span(tree.record(), 1));
}

/// Copies what lies in the memory of thaw-exec, because that memory goes away.
void copy_lists(const Prepared& prepared, Arena& arena, Handover& handover) {
  const Descriptors& descriptors = prepared.descriptors;
  handover.source_fds = arena.copy(std::span<const int>(prepared.sources.fds()));
  arena.copy_list(prepared.kernel.all, handover.own, handover.own_count);
  arena.copy_list(descriptors.not_apps(), handover.close, handover.close_count);
  arena.copy_list(descriptors.owners(), handover.owners, handover.owner_count);
  arena.copy_list(descriptors.listeners(), handover.listeners, handover.listener_count);
  arena.copy_list(descriptors.texts(), handover.texts, handover.text_count);
  copy_stand_ins(prepared, arena, handover);
  copy_tree(prepared.tree, arena, handover);
  copy_cold_start(prepared, arena, handover.cold);
}

/// What lies in the image's metadata moves to the area with them.
void refer_to_records(const Prepared& prepared, const RestorerArea& area, Handover& handover) {
  const View& view = prepared.view;
  const model::Process& process = prepared.tree.process();
  handover.process = area.here(std::span<const model::Process>(&process, 1));
  if (process.credentials != model::kNone)
    handover.credentials = area.here(view.credentials().subspan(process.credentials, 1));
  handover.threads = area.here(View::part(view.threads(), process.threads));
  handover.ops = area.here(View::part(view.ops(), process.ops));
  handover.sigactions = area.here(View::part(view.sigactions(), process.sigactions));
  handover.timers = area.here(View::part(view.posix_timers(), process.timers));
  handover.pending = area.here(view.pending_signals());
  handover.robust_words = area.here(view.robust_words());
  handover.id_patches = area.here(View::part(view.id_patches(), process.id_patches));
  handover.id_notices = area.here(View::part(view.id_notices(), process.id_notices));
  handover.mode_copies = area.here(View::part(view.mode_copies(), process.mode_copies));
  handover.seccomp_filters = area.here(View::part(view.seccomp_filters(), process.seccomp_filters));
  handover.blobs = area.here(view.blobs());
  handover.feed_runs = area.here(view.feed_runs());
  if (handover.tree == nullptr) return;
  auto& tree = const_cast<restorer::Tree&>(*handover.tree);  // The copy in the area.
  tree.processes = area.here(view.processes());
  tree.meeting = area.meeting();
}

void describe_area(const RestorerArea& area, Handover& handover) {
  handover.area_start = area.start();
  handover.area_size = area.size();
  handover.delivery_size = area.delivery_size();
  handover.interim = area.interim();
  handover.stack_size = RestorerArea::kThreadStack;
  // The stack of index 1 follows the leader's.
  handover.stacks = area.leader_stack_end() - RestorerArea::kThreadStack;
}

/// Returns where the Handover itself will lie. The same steps first count the room, then fill it.
Handover* copy_all(const Prepared& prepared, Arena& data, Arena& delivery, Handover& handover) {
  auto* place = data.allocate<Handover>(1);
  copy_lists(prepared, data, handover);
  copy_delivery(prepared, delivery, handover);
  return place;
}

}  // namespace

Result<HandedOver> hand_over(const Prepared& prepared) {
  Handover handover = describe(prepared);
  Arena data, delivery;
  copy_all(prepared, data, delivery, handover);
  THAW_ASSIGN(area, RestorerArea::make(prepared, data.used(), delivery.used()));
  data = area.data();
  delivery = area.delivery();
  Handover* place = copy_all(prepared, data, delivery, handover);
  if (!data.fits() || !delivery.fits())
    return Error{ENOMEM, "the restorer area is smaller than what goes into it"};
  refer_to_records(prepared, area, handover);
  describe_area(area, handover);
  *place = handover;
  return HandedOver{std::move(area), place};
}

}  // namespace thaw::launch
