// Open directories: opened by name, as at a cold start. A position within the listing is only good
// in the same directory.
#include "fd/common.h"

namespace thaw::fd {
namespace {

constexpr const char* kType = "directory";
constexpr const char* kActions = "reopen|close|ignore";

bool match(const Probe& p) {
  return S_ISDIR(p.status.st_mode) && p.link.starts_with('/');
}

/// A process's own directory in /proc has another number at a launch.
std::string name_at_launch(const Probe& p) {
  const std::string own = "/proc/" + std::to_string(p.pid);
  if (p.link == own || p.link.starts_with(own + "/"))
    return "/proc/self" + p.link.substr(own.size());
  return p.link;
}

Result<void> collect(Collector& c, const Probe& p, model::OpenFile& out) {
  THAW_ASSIGN(action, choose_action(c, p, kType, kActions));
  out.action = static_cast<uint32_t>(action);
  if (action == Action::close || action == Action::ignore) {
    out.note = c.image.blob(action == Action::close ? "policy: /dev/null in its place"
                                                    : "policy: left out");
    return {};
  }
  THAW_TRY(refuse_locks(p, kType));
  if (!name_leads_to_it(c, p))
    return refuse(
        p, "is a directory that was removed, renamed or hidden by a mount",
        "close it before the checkpoint, or " + policy::suggestion(kType, p.link, "close|ignore"));
  out.payload = c.image.record(path_record(c, p, name_at_launch(p)));
  out.note = c.image.blob(action == Action::reopen ? "policy: opened by name, from its start"
                                                   : "opened by name");
  return {};
}

Result<UniqueFd> open(Opener& o, const model::OpenFile& file) {
  if (action_of(file) == Action::close) return closed_file(file.flags);
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
  if (!valid_action(file, kActions)) return "a directory of the image has an impossible action";
  const Action action = action_of(file);
  if (action == Action::close || action == Action::ignore) return nullptr;
  return valid_path_record(view, file) == nullptr ? "a directory's record in the image is broken"
                                                  : nullptr;
}

}  // namespace

const Kind kDirectory = {
    "directory", kType, THAW_CHECKPOINT(match), THAW_CHECKPOINT(collect), open, nullptr, validate};

}  // namespace thaw::fd
