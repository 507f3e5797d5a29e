#include "image/validate.h"

#include <fcntl.h>
#include <linux/bpf_common.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "arch/cpus.h"
#include "image/validate_tree.h"
#include "support/app_call.h"

namespace thaw::image {
namespace {

using namespace model;

constexpr uint64_t kTop = std::numeric_limits<uintptr_t>::max();

class Checker {
 public:
  explicit Checker(const View& view) : view_(view), page_(view.header().page_size) {}

  bool blob(Blob b) const { return blob(b, view_.blobs()); }
  static bool blob(Blob b, std::span<const char> blobs) {
    return b.offset <= blobs.size() && b.size < blobs.size() - b.offset &&
           blobs[static_cast<size_t>(b.offset + b.size)] == '\0';
  }
  /// A blob that the kernel will read as a string: no NUL inside.
  bool string(Blob b) const {
    return blob(b) && view_.bytes(b).find('\0') == std::string_view::npos;
  }
  template <typename T>
  static bool range(Range r, std::span<const T> table) {
    return r.first <= table.size() && r.count <= table.size() - r.first;
  }
  template <typename T>
  static bool index(Index i, std::span<const T> table, bool optional) {
    return i == kNone ? optional : i < table.size();
  }
  bool pages(uint64_t address, uint64_t size) const {
    return address % page_ == 0 && size % page_ == 0 && size != 0 && address >= page_ &&
           address <= kTop - size;
  }
  bool data(uint64_t offset, uint64_t size) const {
    const Header& h = view_.header();
    return offset >= h.page_size && offset <= h.metadata_offset &&
           size <= h.metadata_offset - offset;
  }
  [[nodiscard]] uint64_t page() const { return page_; }
  [[nodiscard]] uint64_t task_end() const {
    const uint32_t cpu = view_.header().cpu;
    return cpu < std::size(arch::kTaskEnds) ? arch::kTaskEnds[cpu] : kTop;
  }

 private:
  const View& view_;
  uint64_t page_;
};

/// Those of the process that the caller becomes, which alone hears of the caller.
std::span<const Mapping> roots_mappings(const View& v) {
  return View::part(v.mappings(), v.root_process().mappings);
}

/// True if the app may write all of [address, address + size), which the restorer does.
bool is_writable(const View& v, uint64_t address, uint64_t size, uint64_t alignment = 8) {
  for (const Mapping& m : roots_mappings(v))
    if ((m.prot & PROT_WRITE) != 0 && address % alignment == 0 && address >= m.start &&
        address < m.end && size <= m.end - address)
      return true;
  return false;
}

/// The addresses of strings that a launch hands to the app, each in memory of the app.
bool are_mapped(const View& v, std::string_view addresses) {
  for (; addresses.size() >= sizeof(uint64_t); addresses.remove_prefix(sizeof(uint64_t))) {
    uint64_t address = 0;
    memcpy(&address, addresses.data(), sizeof(address));
    const auto holds = [address](const Mapping& m) {
      return address >= m.start && address < m.end && (m.prot & PROT_READ) != 0;
    };
    const auto mappings = roots_mappings(v);
    if (std::none_of(mappings.begin(), mappings.end(), holds)) return false;
  }
  return addresses.empty();
}

const char* check_requirements(const View& v, const Checker& c) {
  const Requirements& r = v.requirements_record();
  if (!c.string(r.kernel) || !c.blob(r.vdso) || !c.blob(r.sigpage) || !c.string(r.security_label) ||
      !c.string(r.program) || !c.blob(r.arguments) || !c.blob(r.environment) ||
      !c.blob(r.declared) || !c.string(r.profile) || !c.string(r.folder) ||
      !Checker::index(r.program_file, v.files(), true) || r.clocks_jump > 1 ||
      r.guard_within_ms > kMostGuardedMs)
    return "the image's requirements are broken";
  if (!c.blob(r.inputs) || !c.blob(r.ignored) || !c.blob(r.own) || !c.blob(r.own_strings) ||
      !are_mapped(v, v.bytes(r.own_strings)) || r.environment_rule > EnvironmentRule::deliver ||
      (r.environ_address != 0 &&
       !is_writable(v, r.environ_address, sizeof(uintptr_t), sizeof(uintptr_t))))
    return "the image's environment is broken";
  if (!c.string(r.root.file) || !c.blob(r.root.folders) ||
      (r.root.file.size != 0 && !v.bytes(r.root.file).starts_with('/')))
    return "the image's root identity is broken";
  if (!c.string(r.host_name) || r.machine.asked >> kMachineInputs != 0)
    return "the image's record of its machine is broken";
  if (r.call_address != 0 && !is_writable(v, r.call_address, sizeof(thaw_call)))
    return "the image's App API record is broken";
  return nullptr;
}

/// True if the process may write such a word. Its mappings ascend; in others, words may be missed.
bool is_writable_word(std::span<const Mapping> mappings, uint64_t address) {
  const auto next =
      std::upper_bound(mappings.begin(), mappings.end(), address,
                       [](uint64_t value, const Mapping& m) { return value < m.start; });
  if (next == mappings.begin() || address % sizeof(uint32_t) != 0) return false;
  const Mapping& m = *std::prev(next);
  return (m.prot & PROT_WRITE) != 0 && address < m.end && sizeof(uint32_t) <= m.end - address;
}

/// The words where a launch writes the thread's id.
bool sound_tid_words(const View& v, const Process& p, const Thread& t) {
  const auto mappings = View::part(v.mappings(), p.mappings);
  if ((t.flags & kTidWord) != 0 && !is_writable_word(mappings, t.tid_word)) return false;
  const auto words = View::part(v.robust_words(), t.robust_words);
  return std::all_of(words.begin(), words.end(), [mappings](const RobustWord& word) {
    return is_writable_word(mappings, word.address);
  });
}

bool is_machine_word(IdForm form) {
  return form == IdForm::fixnum || form == IdForm::tagged;
}

/// Each patch lies in memory that the app has; both tables ascend.
bool sound_id_patches(const View& v, const Process& p) {
  const auto mappings = View::part(v.mappings(), p.mappings);
  auto mapping = mappings.begin();
  uint64_t last = 0;
  for (const IdPatch& patch : View::part(v.id_patches(), p.id_patches)) {
    const uint64_t size =
        patch.form == IdForm::real || (is_machine_word(patch.form) && sizeof(long) == 8) ? 8 : 4;
    if (patch.address < last || patch.thread >= v.threads().size() || patch.form < IdForm::word ||
        patch.form > IdForm::tagged || patch.address > kTop - size || patch.protect > 1 ||
        (patch.protect == 0 && patch.prot != 0) ||
        (patch.prot & ~uint32_t{PROT_READ | PROT_WRITE | PROT_EXEC}) != 0)
      return false;
    last = patch.address;
    const auto holds = [&patch, size](uint64_t start, uint64_t end) {
      return patch.address >= start && patch.address < end && size <= end - patch.address;
    };
    // Signal frames lie in the thaw area.
    if (holds(p.area_start, p.area_start + p.area_size)) continue;
    while (mapping != mappings.end() && mapping->end <= patch.address) ++mapping;
    if (mapping == mappings.end() || !holds(mapping->start, mapping->end)) return false;
    if (patch.protect == 0 && (mapping->prot & PROT_WRITE) == 0) return false;
  }
  return true;
}

/// Each copy lies in memory that the app can write to.
bool sound_mode_copies(const View& v, const Process& p) {
  const auto mappings = View::part(v.mappings(), p.mappings);
  const auto copies = View::part(v.mode_copies(), p.mode_copies);
  return std::all_of(copies.begin(), copies.end(), [mappings](const ModeCopy& copy) {
    if (copy.of > ModeCopyOf::now || copy.speeds > 1 || copy.address % 4 != 0) return false;
    const uint64_t size = copy.speeds != 0 ? kModeCopySize : kModeSize;
    return std::any_of(mappings.begin(), mappings.end(), [&copy, size](const Mapping& m) {
      return (m.prot & PROT_WRITE) != 0 && copy.address >= m.start && copy.address < m.end &&
             m.end - copy.address >= size;
    });
  });
}

const char* check_process(const View& v, const Checker& c, const Process& p) {
  if (!Checker::range(p.threads, v.threads()) || p.threads.count == 0 || p.threads.count > 65536 ||
      !Checker::range(p.mappings, v.mappings()) || !Checker::range(p.fds, v.fds()) ||
      !Checker::range(p.sigactions, v.sigactions()) ||
      !Checker::range(p.timers, v.posix_timers()) ||
      !Checker::range(p.pending, v.pending_signals()) || !Checker::range(p.ops, v.ops()) ||
      !Checker::range(p.gaps, v.gaps()) || !Checker::range(p.id_patches, v.id_patches()) ||
      !Checker::range(p.id_notices, v.id_notices()) ||
      !Checker::range(p.mode_copies, v.mode_copies()) ||
      !Checker::range(p.seccomp_filters, v.seccomp_filters()) ||
      !Checker::range(p.attachments, v.attachments()) || p.attachments.count > kMostAttachments)
    return "a process of the image refers to records that do not exist";
  if ((p.membarrier & ~kMembarrierRegistrations) != 0)
    return "a process of the image has membarrier(2) do what is no registration";
  if (p.terminal.standard > 7 || p.terminal.characters.changed >= 1u << 19 || p.nonblocking > 7)
    return "a process of the image has broken standard descriptors";
  if (((p.protection_keys | p.kernels_keys) & 1) != 0 || (p.protection_keys & p.kernels_keys) != 0)
    return "a process of the image has impossible protection keys";
  if (p.umask > 0777) return "a process of the image has an impossible umask";
  if (p.oom_score_adj < -1000 || p.oom_score_adj > 1000)
    return "a process of the image has an impossible oom_score_adj";
  if (!c.blob(p.auxv) || !c.string(p.cwd)) return "a process of the image has broken strings";
  if (!c.pages(p.area_start, p.area_size)) return "the image's thaw area is broken";
  auto in_area = [&p](uint64_t address, uint64_t size) {
    return address >= p.area_start && size <= p.area_size &&
           address - p.area_start <= p.area_size - size;
  };
  if (!in_area(p.park_code, 16) || !in_area(p.finish_code, 16) || !in_area(p.leave_code, 16) ||
      !in_area(p.park_word, 8) || p.park_word % 4 != 0)
    return "the image's wake-up stub is broken";
  if (p.segment_ids != 0 && !in_area(p.segment_ids, kMostSegmentIds * 2 * sizeof(int32_t)))
    return "the image's ids of shared memory are broken";
  if (p.vdso_start != 0 && !c.pages(p.vdso_start, p.vdso_size)) return "the image's vDSO is broken";
  if (p.vvar_size != 0 && !c.pages(p.vvar_start, p.vvar_size)) return "the image's vvar is broken";
  if (v.requirements_record().sigpage.size > p.vvar_size) return "the image's sigpage is broken";
  for (const Thread& t : View::part(v.threads(), p.threads)) {
    if (!in_area(t.frame, 64) || t.frame % 16 != 0) return "a thread's signal frame is broken";
    if (!Checker::range(t.pending, v.pending_signals()) ||
        !Checker::range(t.robust_words, v.robust_words()) || t.comm[15] != '\0' ||
        t.rseq_size > 4096 || !c.blob(t.affinity) || !sound_tid_words(v, p, t))
      return "a thread of the image is broken";
  }
  if (!sound_id_patches(v, p)) return "a place of a thread id is broken";
  if (!sound_mode_copies(v, p)) return "a copy of the terminal's mode is broken";
  for (const PosixTimer& t : View::part(v.posix_timers(), p.timers))
    if (t.id < 0 || (t.thread != kNone && t.thread >= p.threads.count) ||
        (t.notify == SIGEV_THREAD_ID && t.thread == kNone) ||
        (t.clock_thread != kNone && t.clock_thread >= p.threads.count))
      return "a timer is broken";
  for (const SigAction& s : View::part(v.sigactions(), p.sigactions))
    if (s.signal == 0 || s.signal > 64) return "a signal action is broken";
  uint64_t last = 0;
  for (const Fd& f : View::part(v.fds(), p.fds)) {
    if (f.number > (1u << 20) || (last != 0 && f.number < last) ||
        !Checker::index(f.open_file, v.open_files(), true) ||
        (f.open_file == kNone && f.inherit < 0))
      return "a descriptor of the image is broken";
    last = f.number + uint64_t{1};
  }
  return nullptr;
}

/// What is not shared needs no file that is open for writing.
bool sound_use(const MapSource& source, uint32_t flags) {
  return source.file == kNone || source.open_flags == O_RDONLY || (flags & MAP_TYPE) == MAP_SHARED;
}

/// A file is opened as its source says, the program never for writing: it could not be executed.
bool sound_source(const View& v, const MapSource& s) {
  if (!Checker::index(s.file, v.files(), true) || !Checker::index(s.object, v.objects(), true) ||
      (s.file == kNone) == (s.object == kNone) || (s.open_flags & ~uint32_t{O_ACCMODE}) != 0)
    return false;
  const Index program = v.requirements_record().program_file;
  return s.file == kNone || s.open_flags == O_RDONLY || program == kNone ||
         v.bytes(v.files()[s.file].path) != v.bytes(v.files()[program].path);
}

bool sound_op(const View& v, const Checker& c, const Op& op) {
  if (op.optional > 1) return false;
  switch (op.kind) {
    case OpKind::map:
      if (!c.pages(op.address, op.size) || op.prot > 0x3f) return false;
      if (op.source == Op::kNoSource) return true;
      if (op.offset % c.page() != 0) return false;
      if (op.source == 0) return c.data(op.offset, op.size);
      return static_cast<size_t>(op.source - 1) < v.map_sources().size() &&
             sound_use(v.map_sources()[op.source - 1], op.flags);
    case OpKind::read:
      return c.pages(op.address, op.size) && c.data(op.offset, op.size);
    case OpKind::name: {
      return c.pages(op.address, op.size) && c.string(Blob{op.offset, op.prot});
    }
    case OpKind::aio_ring:
      return c.pages(op.address, op.size) && op.offset != 0 && op.offset <= op.flags;
    case OpKind::protect:
    case OpKind::advise:
    case OpKind::lock:
    case OpKind::seal:
      return c.pages(op.address, op.size);
  }
  return false;
}

/// A System V segment; its content ends within its last page.
bool sound_segment(const View& v, const Checker& c, const Object& o) {
  if (o.size == 0 || o.size > kTop - c.page() || !Checker::range(o.runs, v.data_runs()))
    return false;
  const uint64_t end = (o.size + c.page() - 1) / c.page() * c.page();
  const auto runs = View::part(v.data_runs(), o.runs);
  return std::all_of(runs.begin(), runs.end(), [end](const DataRun& run) {
    return run.offset <= end && run.size <= end - run.offset;
  });
}

/// System V semaphores or a message queue.
bool sound_ipc(const View& v, const Checker& c, const Object& o) {
  constexpr uint64_t kMostSemaphores = 0xffff, kTopValue = 0x7fff;
  const bool set = o.kind == ObjectKind::sem;
  if ((o.flags & ~(0777u | (set ? 0u : kHeldMessages))) != 0 || o.id > INT32_MAX ||
      !c.blob(o.content))
    return false;
  if (!set) return o.content.size == 0;
  if (o.size == 0 || o.size > kMostSemaphores || o.content.size != o.size * sizeof(uint16_t))
    return false;
  const std::string_view bytes = v.bytes(o.content);
  for (uint64_t i = 0; i < o.size; ++i) {
    uint16_t value = 0;
    memcpy(&value, bytes.data() + i * sizeof(value), sizeof(value));
    if (value > kTopValue) return false;
  }
  return true;
}

bool sound_attachment(const View& v, const Checker& c, const Attachment& a) {
  if (!c.pages(a.address, a.size) || !Checker::index(a.object, v.objects(), false) ||
      (a.flags & ~uint32_t{SHM_RDONLY}) != 0)
    return false;
  const Object& o = v.objects()[a.object];
  return o.kind == ObjectKind::system_v && o.size <= a.size && a.size - o.size < c.page();
}

bool sound_filter(const Checker& c, const SeccompFilter& f) {
  constexpr uint64_t kInstruction = sizeof(sock_filter);
  return c.blob(f.program) && f.program.size != 0 && f.program.size % kInstruction == 0 &&
         f.program.size <= BPF_MAXINSNS * kInstruction &&
         (f.flags & ~uint32_t{SECCOMP_FILTER_FLAG_LOG}) == 0;
}

/// `path`: if it can be read.
bool sound_input(const Input& i, std::string_view path) {
  return path.starts_with('/') && path.find('\0') == std::string_view::npos &&
         i.kind >= InputKind::file && i.kind <= InputKind::missing &&
         i.flags < kInputReadAlways << 1;
}

const char* check_shared_records(const View& v, const Checker& c) {
  for (const File& f : v.files())
    if (!c.string(f.path) || !c.blob(f.build_id)) return "a file record of the image is broken";
  for (const Input& i : v.inputs())
    if ((i.flags & kInputOnRoot) != 0 || !c.blob(i.path) || !sound_input(i, v.bytes(i.path)))
      return "an input of the image is broken";
  for (const Object& o : v.objects())
    if (o.kind < ObjectKind::pipe || o.kind > ObjectKind::msg || !c.string(o.name) ||
        !c.blob(o.content) || !Checker::range(o.runs, v.data_runs()) ||
        (o.kind == ObjectKind::system_v && !sound_segment(v, c, o)) ||
        (o.kind >= ObjectKind::sem && !sound_ipc(v, c, o)))
      return "a shared object of the image is broken";
  for (const DataRun& r : v.data_runs())
    if (!c.data(r.data, r.size) || r.offset > kTop - r.size)
      return "a data run of the image is broken";
  for (const MapSource& s : v.map_sources())
    if (!sound_source(v, s)) return "a mapping source of the image is broken";
  for (const Attachment& a : v.attachments())
    if (!sound_attachment(v, c, a)) return "attached memory of the image is broken";
  for (const Op& op : v.ops())
    if (!sound_op(v, c, op)) return "a memory operation of the image is broken";
  for (const FeedRun& r : v.feed_runs())
    if (!c.pages(r.address, r.size) || r.written > 1) return "the image's working set is broken";
  for (const IdNotice& n : v.id_notices())
    if (n.form < IdForm::word || n.form > IdForm::written_pid_file || !c.string(n.text) ||
        !c.blob(n.rest) || n.mode > 0777 ||
        (n.form == IdForm::written_pid_file && !v.bytes(n.text).starts_with('/')))
      return "a note on a thread id is broken";
  for (const SeccompFilter& f : v.seccomp_filters())
    if (!sound_filter(c, f)) return "a filter of system calls of the image is broken";
  for (const Credentials& credentials : v.credentials())
    if (!sound_credentials(credentials) || !c.blob(credentials.supplementary) ||
        !c.string(credentials.root) ||
        (credentials.root.size != 0 && !v.bytes(credentials.root).starts_with('/')))
      return "credentials of the image are broken";
  for (const Gap& g : v.gaps())
    if (g.start >= g.end || g.start % c.page() != 0 || g.end % c.page() != 0)
      return "a gap is broken";
  return nullptr;
}

const char* check_descriptions(const View& v, const Checker& c) {
  for (const Mapping& m : v.mappings())
    if (m.start >= m.end || (m.kind != MappingKind::special && m.end > c.task_end()) ||
        !Checker::index(m.file, v.files(), true) || !Checker::index(m.object, v.objects(), true) ||
        !c.string(m.name) || !c.string(m.vm_flags) || !c.string(m.note))
      return "a mapping record of the image is broken";
  for (const PendingSignal& signal : v.pending_signals())
    if (!Checker::index(signal.sender, v.processes(), true))
      return "a pending signal of the image is broken";
  for (const OpenFile& f : v.open_files())
    if (!Checker::index(f.file, v.files(), true) || !Checker::index(f.object, v.objects(), true) ||
        f.side > 1 || !c.blob(f.payload) || f.payload.offset % 8 != 0 || !c.blob(f.content) ||
        !c.string(f.note))
      return "an open file of the image is broken";
  return nullptr;
}

}  // namespace

const char* validate(const View& view) {
  const Checker checker(view);
  if (view.requirements().size() != 1) return "the image has no requirements";
  if (const char* problem = validate_tree(view)) return problem;
  if (!Checker::range(view.root_process().mappings, view.mappings()))
    return "a process of the image refers to records that do not exist";
  if (const char* problem = check_requirements(view, checker)) return problem;
  for (const Process& process : view.processes())
    if (process.state != ProcessState::zombie)
      if (const char* problem = check_process(view, checker, process)) return problem;
  if (const char* problem = check_shared_records(view, checker)) return problem;
  if (const char* problem = check_descriptions(view, checker)) return problem;
  return validate_file_users(view);
}

const char* validate_tail(const View& view) {
  for (const Input& i : view.root_inputs())
    if ((i.flags & kInputOnRoot) == 0 || !Checker::blob(i.path, view.root_paths()) ||
        !sound_input(i, view.path_of(i)))
      return "an input of the image is broken";
  return nullptr;
}

}  // namespace thaw::image
