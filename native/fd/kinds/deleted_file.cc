// Open files without a name: deleted, or made with O_TMPFILE. Their content goes into the image and
// comes back as memory.
#include <sys/stat.h>

#include "fd/flags.h"
#include "fd/kinds.h"
#include "fd/locks.h"
#include "fd/outside.h"
#include "fd/shared_memory.h"

namespace thaw::fd {
namespace {

constexpr auto kType = policy::Type::file;
constexpr policy::Actions kActions = policy::kCloseOrIgnore;

/// A file whose own name ends in " (deleted)" is no deleted file.
bool match(const Probe& p) {
  if (!S_ISREG(p.status.st_mode) || !p.link.starts_with('/') || is_message_queue(p)) return false;
  if (p.status.st_nlink == 0) return true;
  struct stat named = {};
  return p.link.ends_with(" (deleted)") &&
         (stat(p.link.c_str(), &named) != 0 || named.st_ino != p.status.st_ino ||
          named.st_dev != p.status.st_dev);
}

Result<void> collect(Collector& c, const Probe& p, model::OpenFile& out) {
  const std::string remedy =
      "close it before the checkpoint, or " + policy::suggestion(kType, p.link, kActions);
  THAW_TRY(refuse_locks(p, kType));
  if (p.status.st_nlink != 0 && writable(out.flags))
    return refuse(
        p, "was deleted under this name but lives on under another one, and is open for writing",
        remedy);
  const std::string holder = outside_holder(c, p);
  if (!holder.empty())
    return refuse(p, "is a deleted file that " + holder + " has open too", remedy);
  auto object = collect_memory(c, p);
  if (!object)
    return refuse(p, "is a deleted file that cannot be kept: " + object.error().what(), remedy);
  out.object = object.value();
  out.note = c.image.blob("deleted file of " + std::to_string(p.status.st_size) +
                          " bytes, comes back as memory");
  return {};
}

const char* validate(const image::View& view, const model::OpenFile& file) {
  return valid_memory_object(view, file.object) ? nullptr
                                                : "a deleted file's record in the image is broken";
}

}  // namespace

constinit const Kind kDeletedFile = {
    .name = "deleted file",
    .policy = {.type = kType, .actions = kActions},
    .match = THAW_CHECKPOINT(match),
    .collect = THAW_CHECKPOINT(collect),
    .open = open_memory_file,
    .finish = finish_memory_file,
    .validate = validate,
};

}  // namespace thaw::fd
