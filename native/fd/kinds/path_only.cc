// O_PATH descriptors: a place in the file system, whatever stands there. They carry no state
// besides their name.
#include "fd/common.h"

namespace thaw::fd {
namespace {

bool match(const Probe& p) {
  return (p.flags & O_PATH) != 0;
}

const char* type_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return "directory";
    case S_IFIFO:
      return "fifo";
    case S_IFSOCK:
      return "socket";
    case S_IFCHR:
    case S_IFBLK:
      return "device";
    default:
      return "file";
  }
}

Result<void> collect(Collector& c, const Probe& p, model::OpenFile& out) {
  const char* type = type_of(p.status.st_mode);
  const Action action = c.policies.find(type, p.link);
  if (action == Action::close || action == Action::ignore) {
    out.action = static_cast<uint32_t>(action);
    out.note = c.image.blob(action == Action::close ? "policy: /dev/null in its place"
                                                    : "policy: left out");
    return {};
  }
  if (!name_leads_to_it(c, p))
    return refuse(
        p, "is an O_PATH descriptor of something that has no name, or another one now",
        "close it before the checkpoint, or " + policy::suggestion(type, p.link, "close|ignore"));
  std::string name = p.link;
  const std::string own = "/proc/" + std::to_string(p.pid);
  if (name == own || name.starts_with(own + "/")) name = "/proc/self" + name.substr(own.size());
  out.payload = c.image.record(path_record(c, p, name));
  out.note = c.image.blob("O_PATH: opened by name");
  return {};
}

Result<UniqueFd> open(Opener& o, const model::OpenFile& file) {
  if (action_of(file) == Action::close) return closed_file(file.flags);
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
  if (!valid_action(file, "close|ignore"))
    return "an O_PATH descriptor of the image has an impossible action";
  if (action_of(file) != Action::error) return nullptr;
  return valid_path_record(view, file) == nullptr
             ? "an O_PATH descriptor's record in the image is broken"
             : nullptr;
}

}  // namespace

const Kind kPathOnly = {"path",  "file",  THAW_CHECKPOINT(match), THAW_CHECKPOINT(collect), open,
                        nullptr, validate};

}  // namespace thaw::fd
