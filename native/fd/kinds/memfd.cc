// memfd_create() memory that is open. Its content, seals and permissions belong to the Object,
// shared with mappings.
#include <fcntl.h>

#include <algorithm>
#include <string>

#include "fd/flags.h"
#include "fd/kinds.h"
#include "fd/locks.h"
#include "fd/outside.h"
#include "fd/shared_memory.h"
#include "support/file.h"

namespace thaw::fd {
namespace {

constexpr auto kType = policy::Type::file;
constexpr policy::Actions kActions = policy::kCloseOrIgnore;

bool match(const Probe& p) {
  return S_ISREG(p.status.st_mode) && p.link.starts_with("/memfd:");
}

std::string remedy(const Probe& p) {
  return "close it before the checkpoint, or " + policy::suggestion(kType, p.link, kActions);
}

/// F_SEAL_FUTURE_WRITE lets only mappings that were there before the seal write, or be made
/// writable ("mw"); those cannot be made after it.
bool mapped_writable_by(pid_t pid, const Probe& p) {
  const auto maps = read_file("/proc/" + std::to_string(pid) + "/smaps");
  bool of_memory = false, found = false;
  each_line(
      maps ? std::string_view(maps.value()) : std::string_view(), "", [&](std::string_view line) {
        const std::string_view modes = line.substr(std::min(line.find(' ') + 1, line.size()), 4);
        const bool header = modes.size() == 4 && (modes[1] == 'w' || modes[1] == '-');
        if (header) of_memory = modes[3] == 's' && line.ends_with(p.link);
        found =
            of_memory && line.starts_with("VmFlags:") && line.find(" mw") != std::string_view::npos;
        return !found;
      });
  return found;
}

bool mapped_writable(const Probe& p) {
  return std::any_of(p.members.begin(), p.members.end(),
                     [&p](pid_t member) { return mapped_writable_by(member, p); });
}

/// memfd_create(2) gave one description, for reading and writing. Those that were opened again
/// through /proc count as writers, whose memory nobody can execute (ETXTBSY). Which of several is
/// the first nobody can tell.
bool is_own_description(const Collector& c, const model::OpenFile& file) {
  const auto& others = c.image.open_files;
  return access_mode(file.flags) == O_RDWR && (file.flags & (O_DSYNC | O_SYNC)) == 0 &&
         std::none_of(others.begin(), others.end(), [&file](const model::OpenFile& other) {
           return other.object == file.object && other.side == kMemoryItself;
         });
}

Result<void> collect(Collector& c, const Probe& p, model::OpenFile& out) {
  THAW_TRY(refuse_locks(p, kType));
  const std::string holder = outside_holder(c, p);
  if (!holder.empty())
    return refuse(p, "is shared with " + holder + ", which is not part of the app", remedy(p));
  const int seals = fcntl(p.copy.get(), F_GET_SEALS);
  if (seals >= 0 && (seals & F_SEAL_FUTURE_WRITE) != 0 && mapped_writable(p))
    return refuse(p,
                  "is sealed against new writers (F_SEAL_FUTURE_WRITE) and mapped by a descriptor "
                  "for writing",
                  remedy(p));
  auto object = collect_memory(c, p);
  if (!object) return refuse(p, "cannot be kept: " + object.error().what(), remedy(p));
  out.object = object.value();
  out.side = is_own_description(c, out) ? kMemoryItself : kMemoryOpened;
  out.note = c.image.blob("memory of " + std::to_string(p.status.st_size) + " bytes");
  return {};
}

const char* validate(const image::View& view, const model::OpenFile& file) {
  return valid_memory_object(view, file.object) ? nullptr
                                                : "a memfd's record in the image is broken";
}

}  // namespace

constinit const Kind kMemfd = {
    .name = "memfd",
    .policy = {.type = kType, .actions = kActions},
    .match = THAW_CHECKPOINT(match),
    .collect = THAW_CHECKPOINT(collect),
    .open = open_memory_file,
    .finish = finish_memory_file,
    .validate = validate,
};

}  // namespace thaw::fd
