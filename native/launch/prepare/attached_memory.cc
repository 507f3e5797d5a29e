#include "launch/prepare/attached_memory.h"

#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "launch/prepare/ipc_ids.h"

namespace thaw::launch {
namespace {

using image::View;

constexpr int kModeBits = 0777;

void* at(uint64_t address) {
  return reinterpret_cast<void*>(static_cast<uintptr_t>(address));
}

/// Null with errno where it cannot be attached.
void* attach_at(int id, void* address, int flags) {
  void* got = shmat(id, address, flags);
  return reinterpret_cast<intptr_t>(got) == -1 ? nullptr : got;
}

Result<void> read_run(int image, const model::DataRun& run, char* memory) {
  for (uint64_t done = 0; done < run.size;) {
    const ssize_t got = pread64(image, memory + run.offset + done, run.size - done,
                                static_cast<off64_t>(run.data + done));
    if (got == 0) return Error{0, "the image ends within the content of shared memory"};
    if (got < 0) return errno_error("cannot read the content of shared memory");
    done += static_cast<uint64_t>(got);
  }
  return {};
}

/// What another instance has left there: the image holds no pages of zeros.
void clear(void* memory, size_t size) {
  if (madvise(memory, size, MADV_REMOVE) != 0) memset(memory, 0, size);
}

Result<void> fill(const View& view, const model::Object& object, void* memory) {
  for (const model::DataRun& run : View::part(view.data_runs(), object.runs))
    THAW_TRY(read_run(view.fd(), run, static_cast<char*>(memory)));
  return {};
}

/// Who attaches it first and then finds itself alone has it.
Result<void> check_alone(int id, const model::Object& object) {
  shmid_ds status = {};
  if (shmctl(id, IPC_STAT, &status) != 0) return errno_error("cannot examine shared memory");
  if (status.shm_nattch != 1 || (status.shm_perm.mode & SHM_DEST) != 0)
    return Error{EBUSY, "another process has attached the System V shared memory of the app"};
  if (status.shm_segsz != object.size || status.shm_perm.uid != geteuid() ||
      status.shm_perm.cuid != geteuid())
    return Error{EEXIST, "there is other System V shared memory with the app's key"};
  return {};
}

/// Some process of the app goes on with the id that it has kept.
bool keeps_ids(const View& view) {
  const auto processes = view.processes();
  return std::any_of(processes.begin(), processes.end(), [](const model::Process& process) {
    return process.state != model::ProcessState::zombie && process.segment_ids == 0;
  });
}

}  // namespace

AttachedMemory::~AttachedMemory() {
  for (const restorer::Move& move : moves_) shmdt(at(move.from));
  for (const Segment& segment : segments_) {
    if (segment.made) shmctl(segment.id, IPC_RMID, nullptr);
    if (segment.filled != nullptr) shmdt(segment.filled);
  }
}

/// With a key: made anew, or what the last instance has left (its content is that of the image).
Result<AttachedMemory::Segment> AttachedMemory::open(const View& view, model::Index index) {
  const model::Object& object = view.objects()[index];
  const auto size = static_cast<size_t>(object.size);
  const bool removed = (object.flags & SHM_DEST) != 0;
  const int key = removed ? IPC_PRIVATE : ipc_key(view, object);
  constexpr int kMake = IPC_CREAT | IPC_EXCL | 0600;
  int id = removed ? -1 : shmget(key, 0, 0);
  const bool make = id < 0;
  if (make && !removed) ask_for_id("shm", static_cast<int>(object.id));
  if (make) id = shmget(key, size, kMake);
  if (id < 0) return errno_error("cannot make System V shared memory");
  Segment segment = {index, id, attach_at(id, nullptr, 0), make};
  if (segment.filled == nullptr) {
    const Error error = errno_error("cannot attach System V shared memory");
    if (make) shmctl(id, IPC_RMID, nullptr);
    return error;
  }
  segments_.push_back(segment);
  if (removed) {
    // It goes with its last mapping, whatever becomes of this launch.
    if (shmctl(id, IPC_RMID, nullptr) != 0) return errno_error("cannot remove shared memory");
    segments_.back().made = false;
  } else {
    THAW_TRY(check_alone(id, object));
    if (with_key_.size() == model::kMostSegmentIds)
      return Error{0, "the image has too many segments with a key"};
    with_key_.push_back({id, make});
    if (id != static_cast<int>(object.id) && keeps_ids(view))
      return Error{0, "the app's System V shared memory would have another id, which the app keeps",
                   "launch with CAP_CHECKPOINT_RESTORE"};
  }
  if (!make) clear(segment.filled, size);
  THAW_TRY(fill(view, object, segment.filled));
  return segments_.back();
}

/// At its place, if thaw-exec has nothing there. What a fork has left in several processes at the
/// same address is one.
Result<void> AttachedMemory::attach(const View& view, const model::Attachment& wanted) {
  const auto all = view.attachments();
  for (size_t i = 0; i < move_of_.size(); ++i)
    if (all[i].object == wanted.object && all[i].address == wanted.address &&
        all[i].flags == wanted.flags) {
      move_of_.push_back(move_of_[i]);
      return {};
    }
  const auto known =
      std::find_if(segments_.begin(), segments_.end(),
                   [&wanted](const Segment& one) { return one.object == wanted.object; });
  int id = 0;
  if (known != segments_.end()) {
    id = known->id;
  } else {
    THAW_ASSIGN(segment, open(view, wanted.object));
    id = segment.id;
  }
  const int flags = static_cast<int>(wanted.flags);
  void* got = attach_at(id, at(wanted.address), flags);
  if (got == nullptr) got = attach_at(id, nullptr, flags);
  if (got == nullptr) return errno_error("cannot attach System V shared memory");
  move_of_.push_back(moves_.size());
  moves_.push_back({reinterpret_cast<uintptr_t>(got), wanted.size, wanted.address});
  return {};
}

/// What would have been in the way of filling it.
Result<void> AttachedMemory::settle(const View& view) {
  for (Segment& segment : segments_) {
    const model::Object& object = view.objects()[segment.object];
    shmdt(std::exchange(segment.filled, nullptr));
    shmid_ds status = {};
    if (shmctl(segment.id, IPC_STAT, &status) != 0)
      return errno_error("cannot examine shared memory");
    const bool locked = (object.flags & SHM_LOCKED) != 0;
    if (locked != ((status.shm_perm.mode & SHM_LOCKED) != 0) &&
        shmctl(segment.id, locked ? SHM_LOCK : SHM_UNLOCK, nullptr) != 0)
      return errno_error("cannot lock System V shared memory");
    if ((status.shm_perm.mode & kModeBits) == (object.flags & kModeBits)) continue;
    status.shm_perm.mode = static_cast<mode_t>(object.flags & kModeBits);
    if (shmctl(segment.id, IPC_SET, &status) != 0)
      return errno_error("cannot set the permissions of shared memory");
  }
  return {};
}

bool AttachedMemory::is_seen_outside(const View& view) {
  const auto attachments = view.attachments();
  return std::any_of(attachments.begin(), attachments.end(), [&view](const auto& attachment) {
    return (view.objects()[attachment.object].flags & SHM_DEST) == 0;
  });
}

Result<void> AttachedMemory::attach(const View& view) {
  if (view.attachments().empty()) return {};
  for (const model::Attachment& wanted : view.attachments()) THAW_TRY(attach(view, wanted));
  // Those that the app has left for others of its processes to attach.
  for (model::Index i = 0; i < view.objects().size(); ++i) {
    const bool known = std::any_of(segments_.begin(), segments_.end(),
                                   [i](const Segment& one) { return one.object == i; });
    if (view.objects()[i].kind != model::ObjectKind::system_v || known) continue;
    THAW_ASSIGN(left, open(view, i));
    (void)left;
  }
  return settle(view);
}

std::vector<restorer::Move> AttachedMemory::moves_of(const model::Process& process) const {
  std::vector<restorer::Move> own;
  const model::Range range = process.attachments;
  for (model::Index i = range.first; i < range.first + range.count; ++i)
    own.push_back(moves_[move_of_[i]]);
  return own;
}

}  // namespace thaw::launch
