// Open files without a name: deleted, or made with O_TMPFILE. Their content goes into the image and
// comes back as memory.
#include <sys/stat.h>

#include "fd/shared_memory.h"

namespace thaw::fd {
namespace {

constexpr const char* kType = "file";
constexpr const char* kActions = "close|ignore";

/// A file whose own name ends in " (deleted)" is no deleted file.
bool match(const Probe& p) {
  if (!S_ISREG(p.status.st_mode) || !p.link.starts_with('/')) return false;
  if (p.status.st_nlink == 0) return true;
  struct stat named = {};
  return p.link.ends_with(" (deleted)") &&
         (stat(p.link.c_str(), &named) != 0 || named.st_ino != p.status.st_ino ||
          named.st_dev != p.status.st_dev);
}

Result<void> collect(Collector& c, const Probe& p, model::OpenFile& out) {
  THAW_ASSIGN(action, choose_action(c, p, kType, kActions));
  out.action = static_cast<uint32_t>(action);
  if (action != Action::error) {
    out.note = c.image.blob(action == Action::close ? "policy: /dev/null in its place"
                                                    : "policy: left out");
    return {};
  }
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
  auto object = collect_memory(c, p.copy.get(), p.status, p.link);
  if (!object)
    return refuse(p, "is a deleted file that cannot be kept: " + object.error().what(), remedy);
  out.object = object.value();
  out.note = c.image.blob("deleted file of " + std::to_string(p.status.st_size) +
                          " bytes, comes back as memory");
  return {};
}

Result<UniqueFd> open(Opener& o, const model::OpenFile& file) {
  return action_of(file) == Action::close ? closed_file(file.flags) : open_memory_file(o, file);
}

const char* validate(const image::View& view, const model::OpenFile& file) {
  if (!valid_action(file, kActions)) return "a deleted file of the image has an impossible action";
  if (action_of(file) != Action::error) return nullptr;
  return valid_memory_object(view, file.object) ? nullptr
                                                : "a deleted file's record in the image is broken";
}

}  // namespace

const Kind kDeletedFile = {
    "deleted file",     kType,   THAW_CHECKPOINT(match), THAW_CHECKPOINT(collect), open,
    finish_memory_file, validate};

}  // namespace thaw::fd
