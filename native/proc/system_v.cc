#include "proc/system_v.h"

#include <linux/kcmp.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "proc/bystander.h"
#include "support/file.h"

namespace thaw::proc {
namespace {

enum Column {  // of shm
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

std::string text_of_key(int key) {
  char text[16];
  snprintf(text, sizeof(text), "0x%08x", static_cast<unsigned>(key));
  return text;
}

using Fields = std::vector<std::string_view>;

/// key semid perms nsems uid gid cuid cgid otime ctime
IpcObject set_of(const Fields& fields) {
  return {.kind = IpcKind::sem,
          .key = signed_number(fields[0]),
          .id = signed_number(fields[1]),
          .mode = static_cast<uint32_t>(number(fields[2], 8)),
          .count = static_cast<uint32_t>(number(fields[3])),
          .owner = static_cast<uid_t>(number(fields[4])),
          .maker_user = static_cast<uid_t>(number(fields[6])),
          .group = static_cast<gid_t>(number(fields[5])),
          .maker_group = static_cast<gid_t>(number(fields[7])),
          .used = static_cast<int64_t>(number(fields[8]))};
}

/// key msqid perms cbytes qnum lspid lrpid uid gid cuid cgid stime rtime ctime
IpcObject queue_of(const Fields& fields) {
  return {.kind = IpcKind::msg,
          .key = signed_number(fields[0]),
          .id = signed_number(fields[1]),
          .mode = static_cast<uint32_t>(number(fields[2], 8)),
          .count = static_cast<uint32_t>(number(fields[4])),
          .owner = static_cast<uid_t>(number(fields[7])),
          .maker_user = static_cast<uid_t>(number(fields[9])),
          .group = static_cast<gid_t>(number(fields[8])),
          .maker_group = static_cast<gid_t>(number(fields[10])),
          .used = static_cast<int64_t>(number(fields[11])),
          .last_sender = static_cast<pid_t>(number(fields[5])),
          .last_receiver = static_cast<pid_t>(number(fields[6]))};
}

void read_table(const char* path, size_t columns, IpcObject (*row)(const Fields&),
                std::vector<IpcObject>& objects) {
  const auto table = read_file(path);
  if (!table) return;
  bool heading = true;
  for (const std::string_view line : split(table.value(), "\n")) {
    const Fields fields = split(line, " ");
    if (!std::exchange(heading, false) && fields.size() >= columns) objects.push_back(row(fields));
  }
}

}  // namespace

bool Segment::is_removed() const {
  return (mode & SHM_DEST) != 0;
}

std::string Segment::key_text() const {
  return text_of_key(key);
}

std::string IpcObject::key_text() const {
  return text_of_key(key);
}

std::string IpcObject::name() const {
  const bool set = kind == IpcKind::sem;
  return std::string(set ? "System V semaphores" : "a System V message queue") + " (key " +
         key_text() + ", id " + std::to_string(id) + ")";
}

bool IpcObject::was_last_used_by(pid_t pid) const {
  if (kind == IpcKind::msg) return last_sender == pid || last_receiver == pid;
  for (uint32_t i = 0; i < count; ++i)
    if (semctl(id, static_cast<int>(i), GETPID) == pid) return true;
  return false;
}

std::vector<IpcObject> read_ipc_objects() {
  std::vector<IpcObject> objects;
  read_table("/proc/sysvipc/sem", 10, set_of, objects);
  read_table("/proc/sysvipc/msg", 14, queue_of, objects);
  return objects;
}

bool may_have_undos(pid_t pid) {
  const Bystander without(geteuid(), getegid());
  return !without.stands() || syscall(SYS_kcmp, without.pid(), pid, KCMP_SYSVSEM, 0, 0) != 0;
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
