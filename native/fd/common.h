// What several local descriptor kinds share: choosing an action, paths, reopening, payloads of
// records and rows.
#pragma once

#include <fcntl.h>

#include <cstring>
#include <string_view>

#include "fd/kind.h"
#include "support/file.h"

namespace thaw::fd {

using policy::Action;

/// O_* flags that open() takes again. The others act at creation only (O_CREAT, O_TRUNC, O_TMPFILE,
/// which has the bit of O_DIRECTORY) or are set by number and owner (O_CLOEXEC, O_ASYNC).
constexpr uint32_t kReopenFlags = O_ACCMODE | O_APPEND | O_NONBLOCK | O_DSYNC | O_SYNC | O_DIRECT |
                                  O_NOATIME | O_NOFOLLOW | O_PATH;

inline int reopen_flags(uint32_t flags) {
  return static_cast<int>(flags & kReopenFlags) | O_CLOEXEC;
}
inline uint32_t access_mode(uint32_t flags) {
  return flags & O_ACCMODE;
}
inline bool readable(uint32_t flags) {
  return access_mode(flags) != O_WRONLY;
}
inline bool writable(uint32_t flags) {
  return access_mode(flags) != O_RDONLY;
}
inline uint32_t probe_flags(const Probe& p) {
  return static_cast<uint32_t>(p.flags);
}
inline Action action_of(const model::OpenFile& file) {
  return static_cast<Action>(file.action);
}

/// Identifies what has a name on a file system or lives in shared memory: inode numbers alone may
/// meet.
inline uint64_t object_id(const struct stat& status) {
  return static_cast<uint64_t>(status.st_ino) ^ (static_cast<uint64_t>(status.st_dev) << 44);
}

// ---- at checkpoint

/// The policy's action for the descriptor, Action::error without one. Refuses an action that is not
/// in `known`
/// ("append|reopen|close|ignore").
Result<Action> choose_action(const Collector&, const Probe&, std::string_view type,
                             std::string_view known);

/// Refuses file locks (POSIX, flock, leases): the kernel ties them to the process that is gone at a
/// launch.
Result<void> refuse_locks(const Probe&, std::string_view type);

/// True if the probe's name, looked up under the app's root, leads to what the descriptor refers
/// to.
bool name_leads_to_it(const Collector&, const Probe&);

/// `path` as openat() takes it below `root` (an O_PATH descriptor, -1: this process's own root).
const char* below_root(int root, const std::string& path);

/// A process outside the tree that holds the same thing open ("pid 12 (sh)"), or empty. Sees what
/// /proc lets it see.
std::string outside_holder(const Collector&, const Probe&);

/// What a descriptor that is opened by name is known by.
struct PathRecord {
  model::Blob path;
  uint64_t dev = 0;
  uint64_t ino = 0;
  uint64_t rdev = 0;
  uint32_t mode = 0;
  uint32_t reserved = 0;
};
PathRecord path_record(Collector&, const Probe&, std::string_view path);

/// fdinfo as it is now, where the probe's may be old.
std::string fresh_fdinfo(const Probe&);

/// The value that follows `key` in a line of "key:value" pairs, up to a blank.
std::string_view line_field(std::string_view line, std::string_view key);

/// Calls `use` with every line of `text` that starts with `prefix`, until it returns false.
template <typename Use>
void each_line(std::string_view text, std::string_view prefix, Use use) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.starts_with(prefix) && !use(line)) return;
  }
}

// ---- at launch

/// Opens `path`; never hangs on a FIFO that took the file's place.
Result<UniqueFd> open_path(std::string_view path, int flags, mode_t mode = 0);

/// A new open file description of what `fd` refers to.
Result<UniqueFd> open_again(int fd, int flags);

/// Another descriptor of the same open file description.
Result<UniqueFd> duplicate(int fd);

/// Sets the flags that F_SETFL can change as the app had them.
Result<void> set_status_flags(int fd, uint32_t flags);

Result<void> set_position(int fd, uint64_t position);

/// For `close`: reads find the end of the file, what is written is thrown away.
Result<UniqueFd> closed_file(uint32_t flags);

// ---- payloads

/// True if `blob` lies within the image's blobs and can be given to the kernel as a string.
bool valid_string(const image::View&, model::Blob);

/// A PathRecord with a sound path, or null.
const PathRecord* valid_path_record(const image::View&, const model::OpenFile&);

/// True if the action is one of `error` and those named in `known`.
bool valid_action(const model::OpenFile&, std::string_view known);

/// A payload of one head record and rows behind it.
template <typename Head, typename Row>
model::Blob head_and_rows(image::Builder& image, const Head& head, const std::vector<Row>& rows) {
  static_assert(sizeof(Head) % alignof(Row) == 0);
  std::string bytes(reinterpret_cast<const char*>(&head), sizeof(head));
  bytes.append(reinterpret_cast<const char*>(rows.data()), rows.size() * sizeof(Row));
  return image.blob(bytes);
}

/// Null head: the payload has another size.
template <typename Head, typename Row>
struct HeadAndRows {
  const Head* head = nullptr;
  std::span<const Row> rows;

  HeadAndRows(const image::View& view, model::Blob payload) {
    if (payload.size < sizeof(Head) || (payload.size - sizeof(Head)) % sizeof(Row) != 0) return;
    const char* bytes = view.bytes(payload).data();
    head = reinterpret_cast<const Head*>(bytes);
    rows = {reinterpret_cast<const Row*>(bytes + sizeof(Head)),
            static_cast<size_t>((payload.size - sizeof(Head)) / sizeof(Row))};
  }
};

}  // namespace thaw::fd
