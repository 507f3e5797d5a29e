#include "launch/prepare/ipc_objects.h"

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "launch/prepare/ipc_ids.h"

namespace thaw::launch {
namespace {

using image::View;

constexpr mode_t kModeBits = 0777;
constexpr int kOwnersAlone = 0600;

/// Both kinds have these.
struct State {
  ipc_perm permissions;
  uint64_t count;  ///< of semaphores
};

/// The fourth argument of semctl(2), which its caller has to declare.
union Argument {
  int value;
  semid_ds* status;
  unsigned short* values;
};

bool is_set(const model::Object& object) {
  return object.kind == model::ObjectKind::sem;
}

bool is_ipc(const model::Object& object) {
  return is_set(object) || object.kind == model::ObjectKind::msg;
}

std::string name_of(const View& view, const model::Object& object) {
  return std::string(is_set(object) ? "System V semaphores" : "a System V message queue") +
         " with the app's key (" + std::string(view.bytes(object.name)) + ")";
}

int get(const model::Object& object, int key, int flags) {
  const int count = (flags & IPC_CREAT) != 0 ? static_cast<int>(object.size) : 0;
  return is_set(object) ? semget(key, count, flags) : msgget(key, flags);
}

void remove(int id, bool queue) {
  if (queue)
    msgctl(id, IPC_RMID, nullptr);
  else
    semctl(id, 0, IPC_RMID, Argument{});
}

Result<State> state_of(const View& view, const model::Object& object, int id) {
  semid_ds set = {};
  msqid_ds queue = {};
  const int result = is_set(object) ? semctl(id, 0, IPC_STAT, Argument{.status = &set})
                                    : msgctl(id, IPC_STAT, &queue);
  if (result < 0) return errno_error("cannot examine " + name_of(view, object));
  return is_set(object) ? State{set.sem_perm, set.sem_nsems} : State{queue.msg_perm, 0};
}

/// With other permissions or another owner, the app could do with it what it could not, or the other
/// way round. Its values or messages are those that a cold start would find.
Result<void> check_found(const View& view, const model::Object& object, int id) {
  if (id != static_cast<int>(object.id))
    return Error{EEXIST,
                 "there is " + name_of(view, object) + " under another id, " + std::to_string(id) +
                     ", than the app keeps, " + std::to_string(object.id),
                 "make a new image; or remove it where nobody uses it (ipcrm), and launch as root"};
  THAW_ASSIGN(state, state_of(view, object, id));
  const ipc_perm& now = state.permissions;
  if (now.uid != object.uid || now.cuid != object.uid || now.gid != object.gid ||
      now.cgid != object.gid || (now.mode & kModeBits) != (object.flags & kModeBits) ||
      (is_set(object) && state.count != object.size))
    return Error{EEXIST,
                 "there is " + name_of(view, object) +
                     " of another size, owner or permissions than the app had",
                 "make a new image"};
  return {};
}

Result<void> set_values(const View& view, const model::Object& object, int id) {
  std::vector<unsigned short> values(object.size);
  memcpy(values.data(), view.bytes(object.content).data(), values.size() * sizeof(values[0]));
  if (semctl(id, 0, SETALL, Argument{.values = values.data()}) != 0)
    return errno_error("cannot set the values of semaphores");
  if (object.atime_ns == 0) return {};
  // Others may wait for the time of the first operation, to know that the set is ready (semget(2)).
  const short up = values[0] == 0x7fff ? short{-1} : short{1};
  sembuf nothing[] = {{0, up, IPC_NOWAIT}, {0, static_cast<short>(-up), IPC_NOWAIT}};
  if (semop(id, nothing, 2) != 0) return errno_error("cannot use semaphores");
  return {};
}

/// Last: its own maker may be without rights on it.
Result<void> set_permissions(const View& view, const model::Object& object, int id) {
  semid_ds set = {};
  msqid_ds queue = {};
  THAW_ASSIGN(state, state_of(view, object, id));
  state.permissions.mode = static_cast<unsigned short>(object.flags & kModeBits);
  set.sem_perm = queue.msg_perm = state.permissions;
  queue.msg_qbytes = object.size;
  const int result = is_set(object) ? semctl(id, 0, IPC_SET, Argument{.status = &set})
                                    : msgctl(id, IPC_SET, &queue);
  if (result != 0) return errno_error("cannot set the permissions of " + name_of(view, object));
  return {};
}

}  // namespace

IpcObjects::~IpcObjects() {
  for (const Made& made : made_) remove(made.id, made.queue);
}

bool IpcObjects::are_seen_outside(const View& view) {
  return std::any_of(view.objects().begin(), view.objects().end(), is_ipc);
}

Result<void> IpcObjects::make(const View& view, const model::Object& object) {
  const std::string missing = "there is no " + name_of(view, object).substr(is_set(object) ? 0 : 2);
  if (object.uid != geteuid() || object.gid != getegid())
    return Error{ENOENT, missing + ", which only user " + std::to_string(object.uid) + ", group " +
                             std::to_string(object.gid) + " could make as it was"};
  if ((object.flags & model::kHeldMessages) != 0)
    return Error{ENOENT, missing + ", in which messages waited"};
  const int wanted = static_cast<int>(object.id);
  if (!ask_for_id(is_set(object) ? "sem" : "msg", wanted))
    return Error{ENOENT,
                 missing + ", and this caller cannot make it with the id that the app keeps",
                 "launch with CAP_CHECKPOINT_RESTORE"};
  const int id = get(object, ipc_key(view, object), IPC_CREAT | IPC_EXCL | kOwnersAlone);
  if (id < 0) return errno_error("cannot make " + name_of(view, object));
  made_.push_back({id, !is_set(object)});
  if (id != wanted)
    return Error{EBUSY, "the id that the app keeps of " + name_of(view, object) +
                            " is taken by something else"};
  if (is_set(object)) THAW_TRY(set_values(view, object, id));
  return set_permissions(view, object, id);
}

Result<void> IpcObjects::open(const View& view) {
  for (const model::Object& object : view.objects()) {
    if (!is_ipc(object)) continue;
    if (made_.size() == model::kMostIpcObjects)
      return Error{0, "the image has too many System V semaphores and queues"};
    const int id = get(object, ipc_key(view, object), 0);
    if (id < 0 && errno != ENOENT) return errno_error("cannot find " + name_of(view, object));
    THAW_TRY(id < 0 ? make(view, object) : check_found(view, object, id));
  }
  return {};
}

}  // namespace thaw::launch
