// An open file description on its way from the app into an image and into the launched app: its
// kind and the policy's action decide together. The stages of checkpoint and launch know no kinds,
// only this.
#pragma once

#include "fd/kind.h"

namespace thaw::fd {

// ---- at checkpoint

/// The record of what the probe shows, in which the owner is not set yet; or the refusal.
Result<model::OpenFile> collect_open_file(Collector&, const Probe&);

/// The other OpenFiles that a process must have open to finish this one.
std::vector<model::Index> needed_to_finish(const image::Builder&, const model::OpenFile&);

// ---- at launch

/// Checks a record of an image that may come from anywhere.
Result<void> check_open_file(const image::View&, const model::OpenFile&);

/// Whether the policy leaves it out: no descriptor of it comes back.
inline bool is_left_out(const model::OpenFile& file) {
  return action_of(file) == Action::ignore;
}

/// Whether something closed stands in its place.
inline bool is_closed(const model::OpenFile& file) {
  return action_of(file) == Action::close;
}

/// Makes it again, or what stands in its place; a new descriptor with O_CLOEXEC, at any number.
Result<UniqueFd> open_file(Opener&, const model::OpenFile&);

/// Whether open_file() needs the processes of an app of several.
bool needs_processes(const model::OpenFile&);

/// What can only be done when every descriptor stands at its final number.
Result<void> finish_file(Opener&, const model::OpenFile&, int fd);

/// Whether open_file() or finish_file() does what other processes can see.
bool is_seen_outside(const model::OpenFile&);

/// The second argument of listen(2), which is called when the inputs are known; nullopt: never.
std::optional<uint32_t> backlog_of(const image::View&, const model::OpenFile&);

/// For a launch that is given up: takes back what open_file() left outside of this process.
void undo_file(const model::OpenFile&, int fd);

/// Whether undo_file() may have something to do: the socket of a kind that binds to a file.
bool may_leave_socket_file(const model::OpenFile&);

}  // namespace thaw::fd
