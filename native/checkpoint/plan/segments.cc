#include "checkpoint/plan/segments.h"

#include <signal.h>
#include <sys/shm.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <optional>

#include "checkpoint/area_header.h"
#include "proc/members.h"

namespace thaw::checkpoint {
namespace {

using proc::Segment;
using proc::Vma;

constexpr policy::Actions kActions = {policy::Action::reopen};
#define THAW_OTHER_MEMORY "use mmap(2) or memfd_create(2) for shared memory"

std::optional<Segment> find_segment(const Vma& vma) {
  for (const Segment& segment : proc::read_segments())
    if (static_cast<uint64_t>(segment.id) == vma.ino) return segment;
  return {};
}

std::string name_of(const Segment& segment) {
  return "System V shared memory (key " + segment.key_text() + ", id " +
         std::to_string(segment.id) + ")";
}

Error refuse(const Segment& segment, const std::string& why, const std::string& remedy) {
  return Error{0, "is " + name_of(segment) + " " + why, remedy};
}

/// Each attachment of it shows the whole segment: its mappings follow each other, from offset 0 to
/// the end.
bool are_whole(const Segment& segment, const Vma& of, std::span<const Vma> all) {
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t size = (segment.size + page - 1) / page * page;
  uint64_t next = 0, start = 0;
  for (const Vma& vma : all) {
    if (!proc::is_of_segment(vma) || vma.ino != of.ino) continue;
    if (vma.offset == 0 && (next == 0 || next == size)) {
      start = vma.start;
      next = 0;
    }
    if (vma.offset != next || vma.start - start != vma.offset) return false;
    next += vma.size();
  }
  return next == size;
}

/// What the id in the app's memory would stand for in a launch, nobody knows, but for memory that
/// has a key.
Result<void> check_id(const policy::Policies& policies, const Segment& segment) {
  if (segment.is_removed()) return {};
  if (segment.key == IPC_PRIVATE)
    return refuse(
        segment, "that has no key, and whose id would be another one in each launch",
        "let the app call shmctl(id, IPC_RMID) when it has attached it (it lives on until it "
        "is detached), or " THAW_OTHER_MEMORY);
  if (policies.find(policy::Type::shm, segment.key_text()) == policy::Action::reopen) return {};
  return refuse(
      segment, "that outlives the app, and that others may attach",
      "let the app attach it after the checkpoint, or, where the app makes it anew at each "
      "start and no two instances share it, " +
          policy::suggestion(policy::Type::shm, "", kActions));
}

/// Seconds since 1970.
int64_t start_of(pid_t pid) {
  const auto kin = proc::read_kinship(pid);
  timespec since_boot = {}, now = {};
  if (!kin || clock_gettime(CLOCK_BOOTTIME, &since_boot) != 0 ||
      clock_gettime(CLOCK_REALTIME, &now) != 0)
    return INT64_MAX;
  const auto started =
      static_cast<int64_t>(kin.value().started / static_cast<uint64_t>(sysconf(_SC_CLK_TCK)));
  return now.tv_sec - since_boot.tv_sec + started;
}

/// What plan_left_segments() is about.
std::vector<Segment> left_segments(const Capture& capture) {
  const int64_t start = start_of(capture.root().pid) - 1;  // Of two clocks, in whole seconds.
  std::vector<Segment> left;
  for (const Segment& segment : proc::read_segments()) {
    const bool made_by_it = segment.made >= start && kill(segment.maker, 0) != 0 && errno == ESRCH;
    if (segment.mappings == 0 && segment.key != IPC_PRIVATE && !segment.is_removed() &&
        segment.owner == capture.image.requirements[0].euid && made_by_it)
      left.push_back(segment);
  }
  return left;
}

/// Whole pages.
Result<Made> content_of(const Segment& segment, size_t page_size) {
  constexpr uint64_t kMost = 64 << 20;
  if (segment.size > kMost)
    return Error{0, name_of(segment) + ", which the app has not attached, holds more than 64 MB",
                 "let the app attach it"};
  void* memory = shmat(segment.id, nullptr, SHM_RDONLY);
  if (reinterpret_cast<intptr_t>(memory) == -1)
    return errno_error("cannot read " + name_of(segment) + ", which the app has not attached");
  Made bytes(round_up(segment.size, page_size));
  memcpy(bytes.data(), memory, segment.size);
  shmdt(memory);
  return bytes;
}

}  // namespace

uint64_t mappings_of_segment(const Vma& vma, std::span<const Vma> all) {
  if (!proc::is_of_segment(vma)) return 0;
  return static_cast<uint64_t>(std::count_if(all.begin(), all.end(), [&vma](const Vma& other) {
    return proc::is_of_segment(other) && other.ino == vma.ino;
  }));
}

std::vector<int> kept_segment_ids(const Capture& capture) {
  std::vector<int> ids;
  for (const ProcessCapture& process : capture.processes)
    for (const Vma& vma : process.vmas) {
      if (!proc::is_of_segment(vma)) continue;
      const auto segment = find_segment(vma);
      if (!segment || segment->is_removed()) continue;
      const int id = id_of_app(process, segment->id);
      if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
    }
  if (ids.empty()) return ids;
  for (const Segment& segment : left_segments(capture))
    ids.push_back(id_of_app(capture.root(), segment.id));
  return ids;
}

Result<void> plan_left_segments(Capture& capture, PageData& data) {
  if (kept_segment_ids(capture).empty()) return {};
  for (const Segment& segment : left_segments(capture)) {
    THAW_TRY(check_id(capture.request.policies, segment));
    THAW_ASSIGN(bytes, content_of(segment, capture.page_size));
    model::Object object;
    object.kind = model::ObjectKind::system_v;
    object.id = static_cast<uint64_t>(id_of_app(capture.root(), segment.id));
    object.flags = segment.mode;
    object.name = capture.image.blob(segment.key_text());
    object.size = segment.size;
    object.runs = {static_cast<model::Index>(capture.image.data_runs.size()), 1};
    const uint64_t place = data.reserve(bytes.size());
    capture.image.data_runs.push_back({0, place, bytes.size()});
    data.add({place, bytes.size(), std::move(bytes)});
    image::Builder::add(capture.image.objects, object);
  }
  return {};
}

int id_of_app(const ProcessCapture& process, int id) {
  const auto tables = find_tables(process);
  const uint64_t count = tables ? tables->segment_id_count : 0;
  for (uint64_t i = 0; i < std::min<uint64_t>(count, shim::kMostSegmentIds); ++i)
    if (tables->segment_ids[i].now == id) return tables->segment_ids[i].kept;
  return id;
}

Result<Segment> check_segment(const policy::Policies& policies, const Vma& vma,
                              std::span<const Vma> all, uint64_t mappings) {
  const auto segment = find_segment(vma);
  if (!segment)
    return Error{0, "is System V shared memory that /proc/sysvipc/shm does not list",
                 "run thaw in the app's IPC namespace, or let the app " THAW_OTHER_MEMORY};
  if (segment->mappings != mappings)
    return refuse(*segment,
                  "that " + std::to_string(segment->mappings - mappings) +
                      " mappings of processes outside of the app show as well",
                  "let those detach it before the checkpoint, or let the app attach it after it, "
                  "or " THAW_OTHER_MEMORY
                  "; an X server (MIT-SHM): QT_X11_NO_MITSHM=1 for Qt, or "
                  "start the server with -extension MIT-SHM");
  if (segment->owner != segment->maker_user || segment->group != segment->maker_group)
    return refuse(*segment, "that was given to another user (IPC_SET)",
                  "let the app " THAW_OTHER_MEMORY);
  if (!are_whole(*segment, vma, all))
    return refuse(*segment, "of which a part is mapped", "let the app attach all of it");
  THAW_TRY(check_id(policies, *segment));
  return *segment;
}

}  // namespace thaw::checkpoint
