// Emits the ops that bring the memory of a process back, and gives each of its pages its place.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include <algorithm>

#include "checkpoint/plan/memory_plan.h"
#include "checkpoint/plan/op_list.h"
#include "support/young_kernels.h"

namespace thaw::checkpoint {
namespace {

/// VmFlags that are made again by madvise(2). Advice that only tunes may fail; what changes
/// behaviour may not.
struct Advice {
  const char* flag;
  int advice;
  bool optional;
};
constexpr Advice kAdvice[] = {
    {"dd", MADV_DONTDUMP, false},  {"dc", MADV_DONTFORK, false},  {"wf", MADV_WIPEONFORK, false},
    {"hg", MADV_HUGEPAGE, true},   {"nh", MADV_NOHUGEPAGE, true}, {"mg", MADV_MERGEABLE, true},
    {"sr", MADV_SEQUENTIAL, true}, {"rr", MADV_RANDOM, true},
};

class Emitter {
 public:
  Emitter(Capture& capture, size_t process_index, const MemoryPlan& plan, StoredPages& stored,
          PageData& data)
      : capture_(capture),
        process_index_(process_index),
        record_(capture.processes[process_index].record),
        plan_(plan),
        stored_(stored),
        data_(data),
        ops_(capture.image.ops) {}

  void run() {
    record_.mappings.first = static_cast<model::Index>(capture_.image.mappings.size());
    record_.attachments.first = static_cast<model::Index>(capture_.image.attachments.size());
    bool emitted_area = false;
    for (const Region& region : plan_.regions) {
      if (!emitted_area && region.vma->start > plan_.area.start) {
        emit_area();
        emitted_area = true;
      }
      emit(region);
    }
    if (!emitted_area) emit_area();
    for (const Advice& advice : kAdvice) emit_advice(advice);
    for (const Region& region : plan_.regions) emit_attributes(region);
    for (const Region& region : plan_.regions)
      if (region.vma->has("sl"))
        ops_.add(model::OpKind::seal, region.vma->start, region.vma->size());
    record_.ops = ops_.range();
  }

 private:
  void emit(const Region& region) {
    if (region.attached) {
      emit_attached(region);
      return;
    }
    const uint64_t stored_before = data_.stored();
    switch (region.pages) {
      case Pages::none:
        back(region, {region.vma->start, region.vma->end});
        break;
      case Pages::mapped:
        emit_mapped(region);
        break;
      case Pages::copied:
        emit_copied(region);
        break;
    }
    for (const Span& guard : region.guards)
      ops_.add(model::OpKind::advise, guard.start, guard.size(), young::kMadvGuardInstall);
    describe(region, (data_.stored() - stored_before) / capture_.page_size);
  }

  /// What lies behind stored pages, for a part of the region.
  void back(const Region& region, const Span& span) { back(region, span, region.vma->prot); }

  void back(const Region& region, const Span& span, uint32_t prot) {
    const Vma& vma = *region.vma;
    const uint64_t into = span.start - vma.start;
    switch (region.backing) {
      case Backing::anonymous:
        ops_.map(span.start, span.size(), prot, anonymous_flags(vma), model::Op::kNoSource, 0);
        break;
      case Backing::file:
      case Backing::object:
        ops_.map(span.start, span.size(), prot,
                 MAP_FIXED | (vma.shared ? MAP_SHARED : MAP_PRIVATE) | noreserve(vma),
                 source(region), vma.offset + into);
        break;
      case Backing::aio_ring:
        emit_aio_ring(vma);
        break;
    }
  }

  void emit_aio_ring(const Vma& vma) {
    for (const AioRing& ring : capture_.aio_rings)
      if (ring.pid == capture_.processes[process_index_].pid && ring.address == vma.start)
        ops_.aio_ring(vma.start, vma.size(), ring.requests, ring.events);
  }

  void emit_mapped(const Region& region) {
    const Vma& vma = *region.vma;
    uint64_t next = vma.start;
    for (const Span& segment : region.segments) {
      if (segment.start > next) back(region, {next, segment.start});
      for (const auto& part : stored_.parts(process_index_, segment)) emit_part(region, part);
      next = segment.end;
    }
    if (next < vma.end) back(region, {next, vma.end});
  }

  void emit_part(const Region& region, const StoredPages::Part& part) {
    const Vma& vma = *region.vma;
    const uint64_t place = part.stored ? part.place : store(region, part.span);
    ops_.map(part.span.start, part.span.size(), vma.prot, MAP_FIXED | MAP_PRIVATE | noreserve(vma),
             0, place);
    uint64_t next = part.span.start;
    for (const Span& changed : part.changed) {
      stored_.add(process_index_, {next, changed.start}, place + (next - part.span.start));
      const uint64_t own = store(region, changed);
      if ((vma.prot & PROT_WRITE) != 0)
        ops_.read(changed.start, changed.size(), own);
      else
        ops_.map(changed.start, changed.size(), vma.prot, MAP_FIXED | MAP_PRIVATE | noreserve(vma),
                 0, own);
      stored_.add(process_index_, changed, own);
      next = changed.end;
    }
    stored_.add(process_index_, {next, part.span.end}, place + (next - part.span.start));
  }

  void emit_copied(const Region& region) {
    const Vma& vma = *region.vma;
    const bool writable = (vma.prot & PROT_WRITE) != 0;
    back(region, {vma.start, vma.end}, writable ? vma.prot : PROT_READ | PROT_WRITE);
    for (const Span& segment : region.segments)
      ops_.read(segment.start, segment.size(), store(region, segment));
    if (!writable) ops_.protect(vma.start, vma.size(), vma.prot);
  }

  /// Lists the pages of a segment and returns its place in the image. Of anonymous memory only the
  /// runs are listed (holes stay holes of the file); over a file, also what lies between the runs.
  uint64_t store(const Region& region, const Span& segment) {
    const uint64_t place = data_.reserve(segment.size());
    auto add = [&](const Span& pages) {
      data_.add({place + (pages.start - segment.start), pages.size(),
                 FromApp{process_index_, pages.start}});
    };
    if (region.backing != Backing::anonymous) {
      add(segment);
      return place;
    }
    for (const Span& run : region.runs)
      if (run.end > segment.start && run.start < segment.end)
        add({std::max(run.start, segment.start), std::min(run.end, segment.end)});
    return place;
  }

  void emit_attached(const Region& region) {
    const Vma& vma = *region.vma;
    const bool writable = region.open_flags == O_RDWR;
    const uint32_t given = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    if (vma.offset == 0) {
      const uint64_t size =
          round_up(capture_.image.objects[region.object].size, capture_.page_size);
      capture_.image.attachments.push_back(
          {vma.start, size, region.object, writable ? 0 : uint32_t{SHM_RDONLY}});
      ++record_.attachments.count;
    }
    if (vma.prot != given) ops_.protect(vma.start, vma.size(), vma.prot);
    describe(region, 0);
  }

  void emit_area() {
    const Area& area = plan_.area;
    const uint64_t place = data_.reserve(area.bytes.size());
    data_.add({place, area.bytes.size(), area.bytes});
    auto part = [&](uint64_t offset, uint64_t size, uint32_t prot) {
      if (size != 0)
        ops_.map(area.start + offset, size, prot, MAP_FIXED | MAP_PRIVATE, 0, place + offset);
    };
    part(0, area.code, PROT_READ);
    part(area.code, area.code_size, PROT_READ | PROT_EXEC);
    part(area.data, area.data_size, PROT_READ | PROT_WRITE);
  }

  /// One kind after the other, so that neighbours are advised in one call.
  void emit_advice(const Advice& advice) {
    for (const Region& region : plan_.regions)
      if (const Vma& vma = *region.vma; vma.has(advice.flag))
        ops_.add(model::OpKind::advise, vma.start, vma.size(), static_cast<uint32_t>(advice.advice),
                 advice.optional);
  }

  void emit_attributes(const Region& region) {
    const Vma& vma = *region.vma;
    if ((record_.protection_keys >> vma.key & 1) != 0)
      ops_.protect(vma.start, vma.size(), vma.prot, vma.key);
    if (vma.has("lo")) {
      // Older kernels have no letters for the flag.
      const bool on_fault = vma.has("lf") || vma.has("??");
      ops_.add(model::OpKind::lock, vma.start, vma.size(), on_fault ? MLOCK_ONFAULT : 0);
    }
    // Memory of an object is not anonymous for the kernel: it takes no name.
    if (region.backing != Backing::anonymous || !vma.path.ends_with("]")) return;
    for (const std::string_view prefix : {"[anon:", "[anon_shmem:"})
      if (vma.path.starts_with(prefix))
        ops_.name(vma.start, vma.size(),
                  capture_.image.blob(
                      vma.path.substr(prefix.size(), vma.path.size() - prefix.size() - 1)));
  }

  static uint32_t noreserve(const Vma& vma) { return vma.has("nr") ? MAP_NORESERVE : 0; }

  static uint32_t anonymous_flags(const Vma& vma) {
    uint32_t flags = MAP_FIXED | MAP_ANONYMOUS | noreserve(vma);
    flags |= vma.has("dp") ? young::kMapDroppable
             : vma.shared  ? uint32_t{MAP_SHARED}
                           : uint32_t{MAP_PRIVATE};
    if (vma.has("gd")) flags |= MAP_GROWSDOWN | MAP_STACK;
    return flags;
  }

  uint16_t source(const Region& region) {
    auto& sources = capture_.image.map_sources;
    for (size_t i = 0; i < sources.size(); ++i)
      if (sources[i].file == region.file && sources[i].object == region.object &&
          sources[i].open_flags == region.open_flags)
        return static_cast<uint16_t>(i + 1);
    sources.push_back({region.file, region.object, region.open_flags, 0});
    return static_cast<uint16_t>(sources.size());
  }

  void describe(const Region& region, uint64_t stored_pages) {
    const Vma& vma = *region.vma;
    model::Mapping record;
    record.start = vma.start;
    record.end = vma.end;
    record.offset = vma.offset;
    record.prot = vma.prot;
    record.kind = vma.path == "[stack]"                 ? model::MappingKind::stack
                  : region.backing == Backing::aio_ring ? model::MappingKind::special
                  : region.backing == Backing::file     ? model::MappingKind::file
                  : region.backing == Backing::object   ? model::MappingKind::shared_memory
                                                        : model::MappingKind::anonymous;
    record.shared = vma.shared ? 1 : 0;
    record.file = region.file;
    record.object = region.object;
    record.stored_pages = static_cast<uint32_t>(stored_pages);
    record.name = capture_.image.blob(vma.path);
    record.vm_flags = capture_.image.blob(vma.flags);
    std::string note = region.note;
    if (note.empty() && region.pages == Pages::mapped) note = "mapped from the image";
    if (note.empty() && region.pages == Pages::copied) note = "copied at launch";
    record.note = capture_.image.blob(note);
    capture_.image.mappings.push_back(record);
    ++record_.mappings.count;
  }

  Capture& capture_;
  size_t process_index_;
  model::Process& record_;
  const MemoryPlan& plan_;
  StoredPages& stored_;
  PageData& data_;
  OpList ops_;
};

}  // namespace

void emit_ops(Capture& capture, size_t process_index, const MemoryPlan& plan, StoredPages& stored,
              PageData& data) {
  Emitter(capture, process_index, plan, stored, data).run();
}

}  // namespace thaw::checkpoint
