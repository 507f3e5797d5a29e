#include "fd/open_file.h"

#include <algorithm>

#include "fd/actions.h"
#include "fd/flags.h"
#include "fd/kinds.h"
#include "fd/reopen.h"

namespace thaw::fd {
namespace {

const KindRow& matching(const Probe& p) {
  const auto rows = kinds();
  return *std::find_if(rows.begin(), rows.end(),
                       [&p](const KindRow& row) { return row.kind->match(p); });
}

/// Whether nothing can be told of the descriptor, whatever a policy says: the checkpoint is tried
/// again (EAGAIN), the app has ended, or memory or descriptors have run out.
bool ends_checkpoint(int err) {
  constexpr int kErrors[] = {EAGAIN, ESRCH, ENOMEM, EMFILE, ENFILE, ENOSPC, EIO};
  return std::find(std::begin(kErrors), std::end(kErrors), err) != std::end(kErrors);
}

/// True under `close` and `ignore`: nothing of the descriptor is kept but that action.
bool is_given_up(const Kind& kind, const model::OpenFile& file) {
  return kind.policy.asked == PolicyUse::Asked::before &&
         policy::kCloseOrIgnore.contains(action_of(file));
}

const char* problem_of(const Kind& kind, const image::View& view, const model::OpenFile& file) {
  const Action action = action_of(file);
  if (action != Action::error && !kind.policy.actions.contains(action))
    return "its action is impossible";
  if (action == Action::ignore) return nullptr;
  if (action != Action::close) return kind.validate(view, file);
  const Closed& closed = kind.policy.closed;
  return closed.validate == nullptr ? nullptr : closed.validate(view, file);
}

}  // namespace

Result<UniqueFd> open_null(Opener&, const model::OpenFile& file) {
  return open_path("/dev/null",
                   static_cast<int>(file.flags & (O_ACCMODE | O_APPEND | O_NONBLOCK | O_PATH)));
}

Result<model::OpenFile> collect_open_file(Collector& c, const Probe& p) {
  const auto& [id, kind] = matching(p);
  const PolicyUse& use = kind->policy;
  model::OpenFile file;
  file.kind = id;
  file.flags = probe_flags(p);
  file.position = static_cast<uint64_t>(p.position);
  if (use.asked == PolicyUse::Asked::before && !use.actions.rows().empty()) {
    const policy::Type type = use.type.value_or(policy_type(p.status.st_mode));
    const policy::Choice choice = c.policies.choose(type, p.link);
    if (!choice.by_name) {
      model::OpenFile as_it_is = file;
      const auto collected = kind->collect(c, p, as_it_is);
      if (collected) return as_it_is;
      if (ends_checkpoint(collected.error().err) || choice.action == Action::error)
        return collected.error();
    }
    THAW_ASSIGN(action, choose_action(c, p, type, p.link, use.actions));
    file.action = static_cast<uint32_t>(action);
  }
  if (is_given_up(*kind, file))
    file.note = c.image.blob(is_left_out(file) ? "policy: left out" : use.closed.note);
  else
    THAW_TRY(kind->collect(c, p, file));
  return file;
}

std::vector<model::Index> needed_to_finish(const image::Builder& image,
                                           const model::OpenFile& file) {
  const Kind& kind = *find_kind(file.kind);
  if (kind.needed == nullptr || is_closed(file) || is_left_out(file)) return {};
  return kind.needed(image, file);
}

Result<void> check_open_file(const image::View& view, const model::OpenFile& file) {
  const Kind* kind = find_kind(file.kind);
  if (kind == nullptr)
    return Error{0,
                 "the image holds a descriptor of kind " + std::to_string(file.kind) +
                     ", which this thaw does not know",
                 "build the image again (thaw build)"};
  const char* problem = problem_of(*kind, view, file);
  if (problem == nullptr) return {};
  return Error{0, std::string("the image's ") + kind->name + " is broken: " + problem};
}

Result<UniqueFd> open_file(Opener& o, const model::OpenFile& file) {
  const Kind& kind = *find_kind(file.kind);
  return is_closed(file) ? kind.policy.closed.open(o, file) : kind.open(o, file);
}

bool needs_processes(const model::OpenFile& file) {
  return !is_closed(file) && find_kind(file.kind)->needs_processes;
}

Result<void> finish_file(Opener& o, const model::OpenFile& file, int fd) {
  const Kind& kind = *find_kind(file.kind);
  if (kind.finish == nullptr || is_closed(file)) return {};
  return kind.finish(o, file, fd);
}

bool is_seen_outside(const model::OpenFile& file) {
  if (is_closed(file) || is_left_out(file)) return false;
  return find_kind(file.kind)->seen_outside || action_of(file) != Action::error;
}

std::optional<uint32_t> backlog_of(const image::View& view, const model::OpenFile& file) {
  if (is_closed(file) || is_left_out(file)) return std::nullopt;
  auto* const backlog = find_kind(file.kind)->backlog;
  return backlog == nullptr ? std::nullopt : backlog(view, file);
}

void undo_file(const model::OpenFile& file, int fd) {
  if (may_leave_socket_file(file)) find_kind(file.kind)->undo(fd);
}

bool may_leave_socket_file(const model::OpenFile& file) {
  return find_kind(file.kind)->undo != nullptr && !is_closed(file);
}

}  // namespace thaw::fd
