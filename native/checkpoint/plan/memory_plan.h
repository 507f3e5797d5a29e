// How the memory of one process comes back. Each step is a file of its name: classify every mapping
// and find the pages to store, choose how these return, lay out the thaw area, emit the ops.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/capture.h"
#include "checkpoint/plan/id_scanner.h"
#include "checkpoint/plan/page_data.h"
#include "checkpoint/plan/stored_pages.h"
#include "shim/shim_plan.h"

namespace thaw::checkpoint {

/// What stands behind a mapping before stored pages are laid over it.
enum class Backing {
  anonymous,
  file,      ///< private or shared mapping of a file
  object,    ///< memfds, deleted files, shared memory mapped twice: memory made at launch
  aio_ring,  ///< a ring of kernel AIO
};

/// How stored pages come back.
enum class Pages {
  none,
  mapped,  ///< mapped from the image, on demand
  copied,  ///< read into true anonymous memory at launch
};

struct Region {
  const Vma* vma = nullptr;
  Backing backing = Backing::anonymous;
  Pages pages = Pages::none;
  std::vector<Span> runs;      ///< pages whose bytes are stored
  std::vector<Span> segments;  ///< runs with small holes closed: one image mapping or read each
  std::vector<Span> guards;    ///< MADV_GUARD_INSTALL regions
  model::Index file = model::kNone;
  model::Index object = model::kNone;
  uint32_t open_flags = 0;
  bool of_module = false;  ///< changed data of a program or library
  bool attached = false;   ///< the launch has attached `object` (shmat(2)) when the ops begin
  std::string note;
};

/// What stays mapped in the launched app for thaw's own use: header and signal frames, the shim's
/// code, the shim's tables.
struct Area {
  uint64_t start = 0;
  std::vector<uint8_t> bytes;
  uint64_t code = 0, code_size = 0;  ///< offset and size of the executable part
  uint64_t data = 0, data_size = 0;  ///< of the writable part
};

struct MemoryPlan {
  std::vector<Region> regions;           ///< ascending, one per mapping that comes back
  std::vector<int> segment_ids;          ///< of System V segments with a key, of all processes
  std::optional<shim::Libc> libc;        ///< redirected to the shim, which guards what is mapped
  std::optional<shim::CallSites> sites;  ///< the same for a program without a libc of its own
  std::string unguarded;                 ///< why neither can be, empty: one of them is
  Area area;

  /// Code of the app that is another one in the image.
  [[nodiscard]] std::vector<AddressRange> changed_code() const;
};

/// Fills `plan.regions`, without the kernel's own mappings and an older thaw area; how their pages
/// return is not chosen yet. Memory that shared mappings alone hold goes to `data` at once: it
/// belongs to no process.
Result<void> classify(Capture& capture, size_t process_index, MemoryPlan& plan, PageData& data);

/// Whether a mapping of a process whose mappings are `all` can come back at all, under these
/// policies; the kernel's own can. `mappings`: how many all processes of the app have of it, if it is
/// of a System V segment.
Result<void> check_mapping(const policy::Policies& policies, const Vma& vma,
                           std::span<const Vma> all, uint64_t mappings);

/// Chooses between mapping and copying, and whether calls are redirected for it; all runs and
/// segments are final then.
Result<void> choose_returns(const ProcessCapture& process, MemoryPlan& plan, size_t page_size);

/// Finds a place for the area, fills it, and patches libc's entry points (in the overlay).
Result<void> plan_area(Capture& capture, ProcessCapture& process, MemoryPlan& plan);

/// Looks for the ids of all threads of all processes, for one process after the other.
IdScanner scanner_for(const Capture& capture);

/// Finds the ids of threads in the memory that is stored: those that a launch corrects, those that
/// it cannot. Refuses locks whose owner cannot be told, and what may be the pid of another process.
Result<void> plan_ids(Capture& capture, size_t process_index, const MemoryPlan& plan,
                      IdScanner& scanner);

/// Finds the copies of its terminal's mode that the root keeps; names those of others.
void plan_mode_copies(Capture& capture, size_t process_index, const MemoryPlan& plan);

/// Emits the ops and the records of mappings; lists the pages, but for those that are stored for the
/// process's parent.
void emit_ops(Capture& capture, size_t process_index, const MemoryPlan& plan, StoredPages& stored,
              PageData& data);

}  // namespace thaw::checkpoint
