// Open directories: opened by name, as at a cold start. A position within the listing is only good
// in the same directory.
#include <fcntl.h>

#include "fd/flags.h"
#include "fd/kinds.h"
#include "fd/locks.h"
#include "fd/path.h"
#include "fd/reopen.h"

namespace thaw::fd {
namespace {

constexpr auto kType = policy::Type::directory;
constexpr policy::Actions kActions = {Action::reopen, Action::close, Action::ignore};

bool match(const Probe& p) {
  return S_ISDIR(p.status.st_mode) && p.link.starts_with('/');
}

/// Nothing but F_NOTIFY gives a directory one.
bool has_owner(const Probe& p) {
  f_owner_ex owner = {};
  return fcntl(p.copy.get(), F_GETOWN_EX, &owner) == 0 && owner.pid != 0;
}

Result<void> collect(Collector& c, const Probe& p, model::OpenFile& out) {
  THAW_TRY(refuse_locks(p, kType));
  if (has_owner(p))
    return refuse(p, "is a directory that tells of changes by signals (F_NOTIFY)",
                  "use inotify(7), or ask for them after the checkpoint");
  if (!name_leads_to_it(p))
    return refuse(p, "is a directory that was removed, renamed or hidden by a mount",
                  "close it before the checkpoint, or " +
                      policy::suggestion(kType, p.link, policy::kCloseOrIgnore));
  const std::string name = name_at_launch(p);
  if (name.empty()) return refuse_number(p, kType);
  out.payload = c.image.record(path_record(c, p, name));
  out.note =
      c.image.blob(action_of(out) == Action::reopen ? "policy: opened by name, from its start"
                                                    : "opened by name");
  return {};
}

Result<UniqueFd> open(Opener& o, const model::OpenFile& file) {
  const auto& record = *o.image.record<PathRecord>(file.payload);
  const std::string_view path = o.image.bytes(record.path);
  UniqueFd fd(::open(path.data(), reopen_flags(file.flags) | O_DIRECTORY));
  if (!fd.valid()) return errno_error("cannot open the directory " + std::string(path));
  if (file.position == 0 || action_of(file) == Action::reopen) return fd;

  struct stat now = {};
  if (fstat(fd.get(), &now) != 0 || now.st_dev != record.dev || now.st_ino != record.ino)
    return Error{0, std::string(path) +
                        " is another directory than at the checkpoint, where it was being listed"};
  THAW_TRY(set_position(fd.get(), file.position));
  return fd;
}

const char* validate(const image::View& view, const model::OpenFile& file) {
  return valid_path_record(view, file) == nullptr ? "a directory's record in the image is broken"
                                                  : nullptr;
}

}  // namespace

constinit const Kind kDirectory = {
    .name = "directory",
    .policy = {.type = kType, .actions = kActions},
    .match = THAW_CHECKPOINT(match),
    .collect = THAW_CHECKPOINT(collect),
    .open = open,
    .validate = validate,
};

}  // namespace thaw::fd
