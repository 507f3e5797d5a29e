// Finds where the app's memory holds ids of its threads: owners of locks, and what the app keeps of
// its own pid (idea 13 of docs/ideas.md).
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <map>
#include <set>

#include "checkpoint/plan/fork_detectors.h"
#include "checkpoint/plan/id_scanner.h"
#include "checkpoint/plan/lock_layouts.h"
#include "checkpoint/plan/memory_plan.h"
#include "checkpoint/plan/page_finder.h"
#include "checkpoint/plan/pid_text.h"

namespace thaw::checkpoint {
namespace {

constexpr size_t kChunk = 1 << 20;
/// What looks like a lock may be five small numbers if the owner's id is smaller than this.
constexpr uint32_t kLeastOwner = 64;
/// The same of one number that the stack of a thread may hold by chance.
constexpr uint32_t kLeastWaiting = 256;

std::string hex(uint64_t value) {
  char text[20];
  snprintf(text, sizeof(text), "%llx", static_cast<unsigned long long>(value));
  return text;
}

/// Memory that is scanned as one.
struct Part {
  std::vector<Span> spans;
  std::string name;
  uint32_t prot = 0;
  bool sealed = false;
  bool code = false;  ///< of a code generator
  bool stack = false;
};

class IdFinder {
 public:
  IdFinder(Capture& capture, size_t process_index, const MemoryPlan& plan)
      : capture_(capture),
        process_(capture.processes[process_index]),
        plan_(plan),
        detectors_(process_, capture_.openssl_versions),
        scanner_(ids_of(process_)),
        text_(process_.pid),
        buffer_(kChunk) {
    const auto threads = process_.record.threads;
    for (model::Index i = threads.first; i < threads.first + threads.count; ++i) {
      const model::Thread& thread = capture.image.threads[i];
      if ((thread.flags & model::kTidWord) != 0) known_.insert(thread.tid_word);
      for (model::Index n = 0; n < thread.robust_words.count; ++n)
        known_.insert(capture.image.robust_words[thread.robust_words.first + n].address);
    }
    for (const Span& place : process_.overlay.places()) overlaid_.push_back(place);
  }

  Result<void> run() {
    THAW_ASSIGN(finder, PageFinder::open(process_, capture_.page_size));
    for (const Region& region : plan_.regions) {
      THAW_ASSIGN(part, part_of(region, finder));
      if (part.spans.empty()) continue;
      for (const Span& span : part.spans) scan(span, part.code);
      THAW_TRY(take(part));
    }
    THAW_TRY(scan_frames());
    note_texts();
    finish();
    return {};
  }

 private:
  static std::vector<uint32_t> ids_of(const ProcessCapture& process) {
    std::vector<uint32_t> ids;
    for (const ThreadCapture& thread : process.threads)
      ids.push_back(static_cast<uint32_t>(thread.tid));
    return ids;
  }

  /// What of a region the image holds.
  static Result<Part> part_of(const Region& region, PageFinder& finder) {
    const Vma& vma = *region.vma;
    Part part;
    part.name = vma.path;
    part.prot = vma.prot;
    part.sealed = vma.has("sl");
    part.code = (vma.prot & PROT_EXEC) != 0 && region.backing == Backing::anonymous;
    part.stack = vma.path == "[stack]";
    part.spans = region.runs;
    std::vector<Span> guards;
    if (vma.shared && region.backing == Backing::object)
      THAW_TRY(finder.present_pages(vma, part.spans, guards));
    return part;
  }

  void scan(const Span& span, bool code) {
    for (uint64_t address = span.start; address < span.end; address += kChunk) {
      const size_t size = std::min<uint64_t>(kChunk, span.end - address);
      process_.memory.read_pages(address, buffer_.data(), size, capture_.page_size);
      scanner_.scan(address, {reinterpret_cast<const uint8_t*>(buffer_.data()), size}, code);
      text_.scan(address, {buffer_.data(), size});
    }
  }

  /// Registers, in the signal frames that planning has made.
  Result<void> scan_frames() {
    Part part;
    part.name = "registers";
    part.prot = PROT_READ;
    scanner_.scan(plan_.area.start, std::span(plan_.area.bytes).first(plan_.area.code), false);
    return take(part);
  }

  Result<void> take(const Part& part) {
    for (const IdScanner::Hit& hit : scanner_.end_part()) {
      if (known_.contains(hit.address) || patches_.contains(hit.address)) continue;
      const uint32_t tid = static_cast<uint32_t>(process_.threads[hit.thread].tid);
      if (hit.thread == 0 && hit.shape <= Shape::word && leave_to_keeper(hit.address)) continue;
      if (hit.shape <= Shape::word || hit.shape == Shape::futex)
        if (const auto lock = lock_at(hit.address, tid)) {
          THAW_TRY(take_lock(*lock, hit, tid, part));
          continue;
        }
      const bool own = is_own_id(hit);
      if ((!own && !can_be_told(hit, tid)) || is_dead(hit.address, part) ||
          is_overlaid(hit.address))
        continue;
      const bool fixed = (part.sealed && (part.prot & PROT_WRITE) == 0) ||
                         (hit.shape <= Shape::word && detectors_.may_be_anywhere());
      const bool small = !own && tid < IdScanner::kLeast;
      if (!fixed && !small && (hit.sure || own))
        patch(hit.address, hit.thread, form_of(hit.shape), part);
      else if (hit.thread == 0 || small)
        doubt(hit, part);
    }
    return {};
  }

  /// True for what is to be another number than the new pid.
  bool leave_to_keeper(uint64_t address) {
    const ForkDetectors::Keeper keeper = detectors_.keeper_of(address);
    if (keeper == ForkDetectors::Keeper::openssl && !is_overlaid(address))
      process_.overlay.add(address, std::vector<uint8_t>(sizeof(uint32_t)));
    return keeper != ForkDetectors::Keeper::nobody;
  }

  [[nodiscard]] std::optional<OwnedLock> lock_at(uint64_t address, uint32_t tid) const {
    auto lock = find_lock(around(address), address, tid, process_.record.threads.count);
    uintptr_t link = 0;
    if (lock && lock->linked_from != 0 &&
        (!process_.memory.read(lock->linked_from, &link, sizeof(link)) || link != lock->link))
      return {};
    return lock;
  }

  [[nodiscard]] std::array<uint8_t, 2 * kLockReach> around(uint64_t address) const {
    std::array<uint8_t, 2 * kLockReach> around = {};
    const uint64_t start = address - kLockReach;
    if (!process_.memory.read(start, around.data(), around.size()))
      // The lock may lie at an end of the mapping: what cannot be read counts as zero.
      for (size_t i = 0; i < around.size(); i += 4)
        (void)!process_.memory.read(start + i, around.data() + i, 4).ok();
    return around;
  }

  Result<void> take_lock(const OwnedLock& lock, const IdScanner::Hit& hit, uint32_t tid,
                         const Part& part) {
    using Proof = OwnedLock::Proof;
    // Words of zeros around it prove nothing: the number itself must be an unlikely one.
    if (lock.proof == Proof::weak && (tid < IdScanner::kLeast || !hit.sure)) return {};
    if (lock.proof == Proof::likely && tid < kLeastOwner)
      return Error{0,
                   "what looks like a " + std::string(lock.what) + " at " + hex(hit.address) +
                       " is held by thread " + std::to_string(tid) +
                       ", a number that may stand there by chance",
                   "checkpoint the app while it holds no such lock, or start it where thread ids "
                   "are " +
                       std::to_string(kLeastOwner) + " and more"};
    for (const OwnedLock::Word& word : lock.words)
      if (!known_.contains(word.address)) patch(word.address, hit.thread, word.form, part);
    return {};
  }

  void patch(uint64_t address, model::Index thread, model::IdForm form, const Part& part) {
    const bool plain = (part.prot & (PROT_WRITE | PROT_EXEC)) == PROT_WRITE;
    const uint32_t prot = plain ? 0 : part.prot & (PROT_READ | PROT_WRITE | PROT_EXEC);
    patches_[address] = {address, thread, form, prot, plain ? 0u : 1u};
  }

  /// A thread that waits for a lock of libc holds its id in a register or on top of its stack, to
  /// become the owner.
  [[nodiscard]] bool is_own_id(const IdScanner::Hit& hit) const {
    constexpr uint64_t kFrames = 1024, kRegisters = 768;
    const ThreadCapture& thread = process_.threads[hit.thread];
    const auto id = static_cast<uint32_t>(thread.tid);
    const bool plain = hit.shape <= Shape::word || hit.shape == Shape::futex;
    if (id < kLeastWaiting || !plain || thread.waits_for == 0 ||
        !waiter_becomes_owner(around(thread.waits_for), thread.waits_for))
      return false;
    const auto within = [&hit](uint64_t start, uint64_t size) {
      return hit.address >= start && hit.address - start < size;
    };
    const model::Thread& record =
        capture_.image.threads[process_.record.threads.first + hit.thread];
    if (within(record.frame, kRegisters)) return hit.shape != Shape::high_half;
    return within(arch::stack_pointer(thread.registers), kFrames) && !is_half_of_pointer(hit, id);
  }

  /// Numbers with few bits set are flags and sizes in many a structure, and bits of a bitmap (V8's
  /// marks) may look like any id with the kernel's flags. Of other threads than the main one, whose
  /// id was chosen, only what somebody waits for, or a clock of theirs, is taken for an id.
  [[nodiscard]] bool can_be_told(const IdScanner::Hit& hit, uint32_t id) const {
    constexpr int kLeastBits = 7, kLeastBitsOfClock = 4;
    if (id < IdScanner::kLeast && !(hit.shape == Shape::clock && hit.sure)) return false;
    if (hit.shape == Shape::futex && is_awaited(hit.address)) return true;
    if (hit.shape == Shape::clock) return std::popcount(id) >= kLeastBitsOfClock;
    return hit.thread == 0 && id % 2 != 0 && std::popcount(id) >= kLeastBits;
  }

  [[nodiscard]] bool is_awaited(uint64_t address) const {
    return std::any_of(
        process_.threads.begin(), process_.threads.end(),
        [address](const ThreadCapture& thread) { return thread.waits_for == address; });
  }

  /// The upper half of an address may be a number like an id.
  [[nodiscard]] bool is_half_of_pointer(const IdScanner::Hit& hit, uint32_t id) const {
    if (sizeof(long) == 4 || hit.address % 8 == 0) return false;
    return std::any_of(process_.vmas.begin(), process_.vmas.end(), [id](const Vma& vma) {
      return vma.start >> 32 == id || (vma.end - 1) >> 32 == id;
    });
  }

  /// What lies below the stack pointer of the main thread is of no call.
  [[nodiscard]] bool is_dead(uint64_t address, const Part& part) const {
    constexpr uint64_t kRedZone = 128;
    const uint64_t top = arch::stack_pointer(process_.threads[0].registers);
    return part.stack && process_.mapping(top) == process_.mapping(address) &&
           address + kRedZone < top;
  }

  /// Code of libc that the image has changed.
  [[nodiscard]] bool is_overlaid(uint64_t address) const {
    return std::any_of(overlaid_.begin(), overlaid_.end(), [address](const Span& place) {
      return address + 8 > place.start && address < place.end;
    });
  }

  void doubt(const IdScanner::Hit& hit, const Part& part) {
    model::IdNotice& notice = doubts_[form_of(hit.shape)];
    if (notice.count++ != 0) return;
    notice.address = hit.address;
    notice.form = form_of(hit.shape);
    notice.text = capture_.image.blob(part.name);
  }

  void note(uint64_t address, model::IdForm form, uint32_t count, std::string_view text) {
    notices_.push_back({address, form, count, capture_.image.blob(text)});
  }

  void note_texts() {
    using model::IdForm;
    if (capture_.request.keep_pid) return;
    if (!can_be_told({}, static_cast<uint32_t>(process_.pid))) note(0, IdForm::word, 0, "");
    for (const auto& [form, notice] : doubts_) notices_.push_back(notice);
    for (const auto& [text, address] : text_.texts()) note(address, IdForm::text, 1, text);
    const std::string cwd(capture_.image.bytes(process_.record.cwd));
    for (const PidText::File& file : text_.files(cwd)) {
      const auto action = capture_.request.policies.find(policy::Type::file, file.path);
      // Under `relock`, it is written with the lock held (fd/kinds/regular_file.cc).
      if (action == policy::Action::ignore || action == policy::Action::relock) continue;
      const bool written = action == policy::Action::pid;
      note(0, written ? IdForm::written_pid_file : IdForm::pid_file, file.line ? 1 : 0, file.path);
    }
  }

  void finish() {
    auto& image = capture_.image;
    auto& record = process_.record;
    record.id_patches = {static_cast<model::Index>(image.id_patches.size()),
                         static_cast<uint32_t>(patches_.size())};
    for (const auto& [address, patch] : patches_) image.id_patches.push_back(patch);
    record.id_notices = {static_cast<model::Index>(image.id_notices.size()),
                         static_cast<uint32_t>(notices_.size())};
    image.id_notices.insert(image.id_notices.end(), notices_.begin(), notices_.end());
    if (capture_.request.keep_pid) record.flags |= model::kKeepPid;
    if (detectors_.need_new_pid()) record.flags |= model::kNeedsNewPid;
  }

  Capture& capture_;
  ProcessCapture& process_;
  const MemoryPlan& plan_;
  ForkDetectors detectors_;
  IdScanner scanner_;
  PidText text_;
  std::vector<char> buffer_;
  std::set<uint64_t> known_;  ///< what the launch writes already
  std::vector<Span> overlaid_;
  std::map<uint64_t, model::IdPatch> patches_;  ///< by address
  std::map<model::IdForm, model::IdNotice> doubts_;
  std::vector<model::IdNotice> notices_;
};

}  // namespace

Result<void> plan_ids(Capture& capture, size_t process_index, const MemoryPlan& plan) {
  return IdFinder(capture, process_index, plan).run();
}

}  // namespace thaw::checkpoint
