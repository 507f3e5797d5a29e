#include "fd/actions.h"

namespace thaw::fd {

policy::Type policy_type(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
    case S_IFLNK:
      return policy::Type::file;
    case S_IFDIR:
      return policy::Type::directory;
    case S_IFIFO:
      return policy::Type::fifo;
    case S_IFSOCK:
      return policy::Type::socket;
    case S_IFCHR:
    case S_IFBLK:
      return policy::Type::device;
    default:
      return policy::Type::descriptor;
  }
}

Result<Action> choose_action(const Collector& c, const Probe& p, policy::Type type,
                             const std::string& name, const policy::Actions& known) {
  const Action action = c.policies.find(type, name);
  if (action == Action::error || known.contains(action)) return action;
  std::string why = name == p.link ? "" : "(" + name + ") ";
  why += "is named by a policy whose action '";
  why += policy::action_name(action);
  why += "' does not apply to it";
  return refuse(p, why, "in its place or before it, " + policy::suggestion(type, name, known));
}

}  // namespace thaw::fd
