// O_PATH descriptors: a place in the file system, whatever stands there. They carry no state
// besides their name.
#include <fcntl.h>

#include "fd/actions.h"
#include "fd/flags.h"
#include "fd/kinds.h"
#include "fd/path.h"

namespace thaw::fd {
namespace {

bool match(const Probe& p) {
  return (p.flags & O_PATH) != 0;
}

Result<void> collect(Collector& c, const Probe& p, model::OpenFile& out) {
  if (!name_leads_to_it(p))
    return refuse(
        p, "is an O_PATH descriptor of something that has no name, or another one now",
        "close it before the checkpoint, or " +
            policy::suggestion(policy_type(p.status.st_mode), p.link, policy::kCloseOrIgnore));
  const std::string name = name_at_launch(p);
  if (name.empty()) return refuse_number(p, policy_type(p.status.st_mode));
  out.payload = c.image.record(path_record(c, p, name));
  out.note = c.image.blob("O_PATH: opened by name");
  return {};
}

Result<UniqueFd> open(Opener& o, const model::OpenFile& file) {
  const auto& record = *o.image.record<PathRecord>(file.payload);
  const std::string_view path = o.image.bytes(record.path);
  // The name has no links in it; one that ends in a link means the link itself.
  const int nofollow = path.starts_with("/proc/self") ? 0 : O_NOFOLLOW;
  const int directory = static_cast<int>(file.flags & O_DIRECTORY);
  UniqueFd fd(::open(path.data(), reopen_flags(file.flags) | O_PATH | nofollow | directory));
  if (!fd.valid()) return errno_error("cannot open " + std::string(path));
  struct stat now = {};
  if (fstat(fd.get(), &now) != 0 || (now.st_mode & S_IFMT) != (record.mode & S_IFMT))
    return Error{0, std::string(path) + " is of another type than at the checkpoint"};
  return fd;
}

const char* validate(const image::View& view, const model::OpenFile& file) {
  return valid_path_record(view, file) == nullptr
             ? "an O_PATH descriptor's record in the image is broken"
             : nullptr;
}

}  // namespace

/// It is opened by its name under every policy but the two that give it up: there is nothing to
/// append to, to connect or to lose.
constinit const Kind kPathOnly = {
    .name = "path",
    .policy = {.actions = {Action::close, Action::ignore, Action::reopen, Action::append,
                           Action::reconnect}},
    .match = THAW_CHECKPOINT(match),
    .collect = THAW_CHECKPOINT(collect),
    .open = open,
    .validate = validate,
};

}  // namespace thaw::fd
