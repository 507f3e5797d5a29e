#include "proc/system_v.h"

#include <sys/shm.h>

#include <utility>

#include "support/file.h"

namespace thaw::proc {
namespace {

enum Column {
  key,
  id,
  mode,
  size,
  maker,
  last,
  mappings,
  owner,
  group,
  maker_user,
  maker_group,
  attach_time,
  detach_time,
  change_time,
  count
};

int signed_number(std::string_view text) {
  const bool negative = text.starts_with('-');
  const auto value = static_cast<int64_t>(number(negative ? text.substr(1) : text));
  return static_cast<int>(negative ? -value : value);
}

}  // namespace

bool Segment::is_removed() const {
  return (mode & SHM_DEST) != 0;
}

std::string Segment::key_text() const {
  char text[16];
  snprintf(text, sizeof(text), "0x%08x", static_cast<unsigned>(key));
  return text;
}

std::vector<Segment> read_segments() {
  std::vector<Segment> segments;
  const auto table = read_file("/proc/sysvipc/shm");
  if (!table) return segments;
  bool heading = true;
  for (const std::string_view line : split(table.value(), "\n")) {
    const auto fields = split(line, " ");
    if (!std::exchange(heading, false) && fields.size() >= Column::count)
      segments.push_back({
          .key = signed_number(fields[Column::key]),
          .id = signed_number(fields[Column::id]),
          .mode = static_cast<uint32_t>(number(fields[Column::mode], 8)),
          .size = number(fields[Column::size]),
          .maker = static_cast<pid_t>(number(fields[Column::maker])),
          .last = static_cast<pid_t>(number(fields[Column::last])),
          .mappings = number(fields[Column::mappings]),
          .owner = static_cast<uid_t>(number(fields[Column::owner])),
          .maker_user = static_cast<uid_t>(number(fields[Column::maker_user])),
          .group = static_cast<gid_t>(number(fields[Column::group])),
          .maker_group = static_cast<gid_t>(number(fields[Column::maker_group])),
          .made = static_cast<int64_t>(number(fields[Column::change_time])),
      });
  }
  return segments;
}

}  // namespace thaw::proc
