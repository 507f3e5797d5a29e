// Finds where the app's memory holds ids of its threads: owners of locks, and what the app keeps of
// its own pid (idea 13 of docs/ideas.md).
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <map>
#include <set>

#include "checkpoint/plan/chance.h"
#include "checkpoint/plan/fork_detectors.h"
#include "checkpoint/plan/id_owners.h"
#include "checkpoint/plan/id_scanner.h"
#include "checkpoint/plan/lock_layouts.h"
#include "checkpoint/plan/memory_objects.h"
#include "checkpoint/plan/memory_plan.h"
#include "checkpoint/plan/page_finder.h"
#include "checkpoint/plan/pid_text.h"
#include "proc/members.h"
#include "proc/refuse.h"

namespace thaw::checkpoint {
namespace {

constexpr size_t kChunk = 1 << 20;
/// What looks like a lock may be five small numbers if the owner's id is smaller than this.
constexpr uint32_t kLeastOwner = 64;
/// The same of one number, in a register or on the stack of a thread that waits.
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
  const Vma* shared = nullptr;  ///< memory that other processes may map as well
};

class IdFinder {
 public:
  IdFinder(Capture& capture, size_t process_index, const MemoryPlan& plan, IdScanner& scanner)
      : capture_(capture),
        process_index_(process_index),
        process_(capture.processes[process_index]),
        plan_(plan),
        detectors_(process_, capture_.openssl_versions),
        owners_(owners_of(capture)),
        scanner_(scanner),
        text_(process_.pid, capture.pids()),
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
    if (!capture_.request.keeps_ids()) THAW_TRY(refuse_small_waiters());
    THAW_ASSIGN(finder, PageFinder::open(process_, capture_.page_size));
    for (const Region& region : plan_.regions) {
      THAW_ASSIGN(part, part_of(region, finder));
      if (part.spans.empty()) continue;
      for (const Span& span : part.spans) scan(span, part.code);
      THAW_TRY(take(part));
    }
    THAW_TRY(scan_frames());
    THAW_TRY(note_texts());
    finish();
    return {};
  }

 private:
  [[nodiscard]] uint32_t tid_of(const IdScanner::Hit& hit) const {
    return capture_.image.threads[hit.thread].tid;
  }
  [[nodiscard]] bool is_pid(const IdScanner::Hit& hit) const {
    return owners_[hit.thread].thread == 0;
  }
  [[nodiscard]] bool is_of_other(const IdScanner::Hit& hit) const {
    return owners_[hit.thread].process != process_index_;
  }

  /// What of a region the image holds.
  Result<Part> part_of(const Region& region, PageFinder& finder) const {
    const Vma& vma = *region.vma;
    Part part;
    part.name = vma.path;
    part.prot = vma.prot;
    part.sealed = vma.has("sl");
    part.code = (vma.prot & PROT_EXEC) != 0 && region.backing == Backing::anonymous;
    part.stack = vma.path == "[stack]";
    part.shared = vma.shared ? &vma : nullptr;
    part.spans = region.runs;
    std::vector<Span> guards;
    // What was attached for reading can never be written.
    const bool of_object = vma.shared && region.backing == Backing::object &&
                           !(region.attached && region.open_flags == O_RDONLY);
    if (of_object && !is_corrected_by_other(capture_, process_, vma))
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
    const auto threads = process_.record.threads;
    for (model::Index i = threads.first; i < threads.first + threads.count; ++i)
      for (const AddressRange& registers : arch::kFrameRegisters) {
        const uint64_t address = capture_.image.threads[i].frame + registers.start;
        const auto bytes = std::span(plan_.area.bytes).subspan(address - plan_.area.start);
        scanner_.scan(address, bytes.first(registers.size()), false);
      }
    return take(part);
  }

  /// They hold their ids where nothing tells these from other small numbers.
  [[nodiscard]] Result<void> refuse_small_waiters() const {
    for (const ThreadCapture& thread : process_.threads)
      if (static_cast<uint32_t>(thread.tid) < kLeastWaiting && becomes_owner(thread))
        return Error{0,
                     "thread " + std::to_string(thread.tid) + " of process " +
                         std::to_string(process_.pid) + " (" + proc::name_of(process_.pid) +
                         ") waits for a lock that keeps its owner's id, and this number may stand "
                         "beside it by chance",
                     "checkpoint the app while no thread waits for such a lock, or start it where "
                     "thread ids are " +
                         std::to_string(kLeastWaiting) + " and more"};
    return {};
  }

  [[nodiscard]] bool becomes_owner(const ThreadCapture& thread) const {
    return thread.waits_for != 0 &&
           waiter_becomes_owner(around(thread.waits_for), thread.waits_for);
  }

  Result<void> take(const Part& part) {
    for (const IdScanner::Hit& hit : scanner_.end_part()) {
      if (known_.contains(hit.address) || patches_.contains(hit.address)) continue;
      const uint32_t tid = tid_of(hit);
      if (is_pid(hit) && hit.shape <= Shape::word && leave_to_keeper(hit.address)) continue;
      if (capture_.request.keeps_ids()) continue;  // It is right as it is.
      if (hit.shape <= Shape::word || hit.shape == Shape::futex)
        if (const auto lock = lock_at(hit, tid, part)) {
          THAW_TRY(take_lock(*lock, hit, tid, part));
          continue;
        }
      // Rare, and the more ids the more chance: those of others count in locks alone, and in memory
      // that these share.
      if (is_of_other(hit) && is_rare(hit) && !place_in_owner(hit, part)) continue;
      const bool own = is_own_id(hit);
      if ((!own && !can_be_told(hit, tid, part)) || is_dead(hit.address, part) ||
          is_overlaid(hit.address))
        continue;
      const bool fixed = (part.sealed && (part.prot & PROT_WRITE) == 0) ||
                         (hit.shape <= Shape::word && detectors_.may_be_anywhere());
      const bool small = !own && tid < IdScanner::kLeast;
      const bool kept = own || (hit.sure && !may_be_chance(hit, tid, part)) || is_of_record(hit);
      if (!fixed && !small && kept)
        patch(hit.address, hit.thread, form_of(hit.shape), part);
      else if (is_of_other(hit) && is_pid(hit) && !is_rare(hit))
        return refuse_doubt(hit, part);
      else if (is_pid(hit) || small)
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

  [[nodiscard]] static bool is_rare(const IdScanner::Hit& hit) {
    return hit.shape == Shape::clock || hit.shape == Shape::futex;
  }

  /// Where the process whose id it is has the same word, which may be memory that it shares.
  [[nodiscard]] std::optional<uint64_t> place_in_owner(const IdScanner::Hit& hit,
                                                       const Part& part) const {
    if (!is_of_other(hit)) return hit.address;
    const size_t owner = owners_[hit.thread].process;
    if (part.shared == nullptr || owner >= capture_.processes.size()) return {};
    return address_in(capture_.processes[owner], *part.shared, hit.address);
  }

  [[nodiscard]] std::optional<OwnedLock> lock_at(const IdScanner::Hit& hit, uint32_t tid,
                                                 const Part& part) const {
    auto lock =
        find_lock(around(hit.address), hit.address, tid, static_cast<uint32_t>(owners_.size()));
    return lock && lock->linked_from != 0 && !is_linked(*lock, hit, part) ? std::nullopt : lock;
  }

  /// The list is of the thread that has the lock, in the memory of its process; a fork has copied both.
  [[nodiscard]] bool is_linked(const OwnedLock& lock, const IdScanner::Hit& hit,
                               const Part& part) const {
    const auto place = place_in_owner(hit, part);
    const ProcessCapture& owner =
        place ? capture_.processes[owners_[hit.thread].process] : process_;
    uintptr_t link = 0;
    return owner.memory.read(lock.linked_from, &link, sizeof(link)) &&
           link == lock.link + (place.value_or(hit.address) - hit.address);
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
    constexpr uint64_t kFrames = 1024;
    if (is_of_other(hit)) return false;
    const ThreadCapture& thread = process_.threads[owners_[hit.thread].thread];
    const auto id = static_cast<uint32_t>(thread.tid);
    const bool plain = hit.shape <= Shape::word || hit.shape == Shape::futex;
    if (!plain || !becomes_owner(thread)) return false;
    const auto within = [&hit](uint64_t start, uint64_t size) {
      return hit.address >= start && hit.address - start < size;
    };
    const model::Thread& record = capture_.image.threads[hit.thread];
    for (const AddressRange& registers : arch::kFrameRegisters)
      if (within(record.frame + registers.start, registers.size())) return fills_register(hit);
    return within(arch::stack_pointer(thread.registers), kFrames) && !is_half_of_pointer(hit, id);
  }

  /// A register that holds an id holds nothing else: half of an address may be any number.
  [[nodiscard]] static bool fills_register(const IdScanner::Hit& hit) {
    if (sizeof(long) == sizeof(uint32_t)) return true;
    return hit.shape == Shape::low_half || (hit.shape == Shape::futex && hit.address % 8 == 0);
  }

  /// Numbers with few bits set are flags and sizes in many a structure, and bits of a bitmap (V8's
  /// marks) may look like any id with the kernel's flags. Of other threads than the main one, whose
  /// id was chosen, only what somebody waits for, or a clock of theirs, is taken for an id.
  [[nodiscard]] bool can_be_told(const IdScanner::Hit& hit, uint32_t id, const Part& part) const {
    constexpr int kLeastBitsOfClock = 4;
    if (id < IdScanner::kLeast && !(hit.shape == Shape::clock && hit.sure)) return false;
    if (hit.shape == Shape::futex && is_awaited(hit.address, part)) return true;
    if (hit.shape == Shape::clock) return std::popcount(id) >= kLeastBitsOfClock;
    return is_pid(hit) && proc::is_telling_id(id);
  }

  [[nodiscard]] bool is_of_record(const IdScanner::Hit& hit) const {
    if (hit.shape > Shape::word) return false;
    return stands_beside_link(hit.address, [this](uint64_t place) -> std::optional<uint64_t> {
      uintptr_t pointer = 0;
      if (place % sizeof(pointer) != 0 || process_.mapping(place) == nullptr ||
          !process_.memory.read(place, &pointer, sizeof(pointer)))
        return {};
      return pointer;
    });
  }

  /// By what stands around it.
  [[nodiscard]] bool may_be_chance(const IdScanner::Hit& hit, uint32_t id, const Part& part) const {
    if (hit.shape == Shape::code || is_awaited(hit.address, part)) return false;
    std::array<uint8_t, kNeighbours> bytes = {};
    const uint64_t start = neighbours_of(hit.address);
    (void)!process_.memory.read(start, bytes.data(), bytes.size()).ok();
    const auto is_other = [this](uint64_t word) {
      const auto& threads = capture_.image.threads;
      const auto is_id = [word](const model::Thread& thread) { return thread.tid == word; };
      return process_.mapping(word) != nullptr ||
             std::any_of(threads.begin(), threads.end(), is_id);
    };
    const size_t at = hit.address - start;
    if (is_rare(hit) && !stands_among_zeros(bytes, at)) return true;
    const bool plain = is_rare(hit) || hit.shape == Shape::word || hit.shape == Shape::smi;
    return (plain && stands_in_noise(bytes, at)) || is_one_of_many(bytes, at, id, is_other);
  }

  /// By a thread of any process that has the word.
  [[nodiscard]] bool is_awaited(uint64_t address, const Part& part) const {
    const auto waits = [](const ProcessCapture& process, uint64_t word) {
      return std::any_of(process.threads.begin(), process.threads.end(),
                         [word](const ThreadCapture& thread) { return thread.waits_for == word; });
    };
    if (part.shared == nullptr) return waits(process_, address);
    return std::any_of(capture_.processes.begin(), capture_.processes.end(),
                       [&](const ProcessCapture& process) {
                         const auto word = address_in(process, *part.shared, address);
                         return word && waits(process, *word);
                       });
  }

  /// Either half of an address may be a number like an id.
  [[nodiscard]] bool is_half_of_pointer(const IdScanner::Hit& hit, uint32_t id) const {
    if (sizeof(long) == 4) return false;
    uint64_t all = 0;
    if (hit.address % sizeof(all) == 0)
      return process_.memory.read(hit.address, &all, sizeof(all)).ok() && all >> 32 != 0 &&
             process_.mapping(all) != nullptr;
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

  /// A signal to that number would hit a stranger.
  [[nodiscard]] Error refuse_doubt(const IdScanner::Hit& hit, const Part& part) const {
    const pid_t other = static_cast<pid_t>(tid_of(hit));
    return Error{.message = "a number at " + hex(hit.address) + " (" +
                            (part.name.empty() ? "memory" : part.name) +
                            ") may be the pid of process " + std::to_string(other) + " (" +
                            proc::name_of(other) +
                            "), or equal it by chance, and a launch could not correct it",
                 .remedy =
                     "build again (thaw build): other pids are chosen, and chance does not "
                     "come twice",
                 .by_chance = true};
  }

  void note(uint64_t address, model::IdForm form, uint32_t count, std::string_view text) {
    model::IdNotice& notice = notices_.emplace_back();
    notice.address = address;
    notice.form = form;
    notice.count = count;
    notice.text = capture_.image.blob(text);
  }

  /// The process itself writes the file, by the path that thaw sees.
  Result<void> check_seen(const std::string& path) const {
    struct stat own = {}, seen = {};
    const std::string there = "/proc/" + std::to_string(process_.pid) + "/root" + path;
    if (stat(there.c_str(), &seen) == 0 && stat(path.c_str(), &own) == 0 &&
        own.st_dev == seen.st_dev && own.st_ino == seen.st_ino)
      return {};
    return proc::refuse(
        process_.pid,
        "has a pid file that a launch writes (action \"pid\"), " + path +
            ", which its own root directory does not show at that path",
        "leave that policy out, or let the process write the file before chroot(2) into "
        "a folder that is mounted at the same path there");
  }

  /// Who reads them may be outside of the namespace that each launch makes.
  void warn_of_pid_files() const {
    const std::string cwd(capture_.image.bytes(process_.record.cwd));
    for (const PidText::File& file : text_.files(cwd, named_pid_files(cwd)))
      capture_.warnings.emplace_back(file.path + " holds the pid " + std::to_string(process_.pid) +
                                     ", which is a number of the pid namespace that each launch "
                                     "makes: outside of it, it names "
                                     "nobody or a stranger; who signals the app by this file has "
                                     "to signal thaw-exec, which passes "
                                     "signals on");
  }

  Result<void> note_texts() {
    using model::IdForm;
    if (capture_.request.pid_namespace) warn_of_pid_files();
    if (capture_.request.keeps_ids()) return {};
    if (!proc::is_telling_id(static_cast<uint32_t>(process_.pid))) note(0, IdForm::word, 0, "");
    for (const auto& [form, notice] : doubts_) notices_.push_back(notice);
    for (const auto& [text, address] : text_.texts()) note(address, IdForm::text, 1, text);
    const std::string cwd(capture_.image.bytes(process_.record.cwd));
    for (const PidText::File& file : text_.files(cwd, named_pid_files(cwd))) {
      const auto action = capture_.request.policies.find(policy::Type::file, file.path);
      // Under `relock`, it is written with the lock held (fd/kinds/regular_file.cc).
      if (action == policy::Action::ignore || action == policy::Action::relock) continue;
      const bool written = action == policy::Action::pid;
      if (written) THAW_TRY(check_seen(file.path));
      note(0, written ? IdForm::written_pid_file : IdForm::pid_file, 0, file.path);
      notices_.back().rest = capture_.image.blob(file.rest);
      notices_.back().mode = file.mode;
    }
    return {};
  }

  /// Those of policies; one that can be in any folder is looked for in the app's.
  [[nodiscard]] std::vector<std::string> named_pid_files(const std::string& cwd) const {
    std::vector<std::string> patterns;
    for (const policy::Policy& row : capture_.request.policies.rows) {
      if (row.action != policy::Action::pid) continue;
      if (row.path.starts_with('/')) patterns.push_back(row.path);
      if (row.path.starts_with("*/")) patterns.push_back(cwd + row.path.substr(1));
    }
    return patterns;
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
    if (capture_.request.keeps_ids()) record.flags |= model::kKeepPid;
    if (capture_.request.pid_namespace) record.flags |= model::kPidNamespace;
    if (capture_.request.user_namespace) record.flags |= model::kUserNamespace;
    if (detectors_.need_new_pid()) record.flags |= model::kNeedsNewPid;
  }

  Capture& capture_;
  size_t process_index_;
  ProcessCapture& process_;
  const MemoryPlan& plan_;
  ForkDetectors detectors_;
  std::vector<Owner> owners_;  ///< of the ids, which are those of the image's table of threads
  IdScanner& scanner_;
  PidText text_;
  std::vector<char> buffer_;
  std::set<uint64_t> known_;  ///< what the launch writes already
  std::vector<Span> overlaid_;
  std::map<uint64_t, model::IdPatch> patches_;  ///< by address
  std::map<model::IdForm, model::IdNotice> doubts_;
  std::vector<model::IdNotice> notices_;
};

}  // namespace

IdScanner scanner_for(const Capture& capture) {
  std::vector<uint32_t> ids;
  for (const model::Thread& thread : capture.image.threads) ids.push_back(thread.tid);
  return IdScanner(ids, capture.is_tree() ? IdScanner::kMeasured : IdScanner::kStrict);
}

Result<void> plan_ids(Capture& capture, size_t process_index, const MemoryPlan& plan,
                      IdScanner& scanner) {
  return IdFinder(capture, process_index, plan, scanner).run();
}

}  // namespace thaw::checkpoint
