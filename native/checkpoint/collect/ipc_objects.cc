#include "checkpoint/collect/ipc_objects.h"

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>

#include <algorithm>

#include "checkpoint/area_header.h"
#include "checkpoint/collect/undos.h"
#include "proc/refuse.h"
#include "support/clock.h"
#include "support/file.h"

namespace thaw::checkpoint {
namespace {

using proc::IpcKind;
using proc::IpcObject;

constexpr policy::Actions kActions = {policy::Action::reopen};

policy::Type type_of(const IpcObject& object) {
  return object.kind == IpcKind::sem ? policy::Type::sem : policy::Type::msg;
}

policy::Choice choice_for(const policy::Policies& policies, const IpcObject& object) {
  if (object.key == IPC_PRIVATE) return {};
  return policies.choose(type_of(object), object.key_text());
}

/// Its id, which the app keeps, stands for it as long as it is there; another boot gives the id to
/// others.
Result<void> check_policy(const policy::Policies& policies, pid_t pid, const IpcObject& object) {
  if (choice_for(policies, object).action == policy::Action::reopen) return {};
  const bool set = object.kind == IpcKind::sem;
  std::string remedy =
      set ? "let the app call semget(2) after the checkpoint, or use sem_init(3) in "
            "memory of its own"
          : "let the app call msgget(2) after the checkpoint, or use a pipe or socket";
  if (object.key != IPC_PRIVATE)
    remedy += ", or, where all instances may use it at the same time, " +
              policy::suggestion(type_of(object), object.key_text(), kActions);
  return proc::refuse(
      pid, "has used " + object.name() + ", whose id may be another's when it is launched", remedy);
}

/// A launch can make it only as its own.
Result<void> check_owner(pid_t pid, const IpcObject& object) {
  if (object.owner == object.maker_user && object.group == object.maker_group) return {};
  return proc::refuse(pid,
                      "has used " + object.name() + ", which was given to another user (IPC_SET)",
                      "let the app use it after the checkpoint");
}

Result<void> add_values(Capture& capture, const IpcObject& object, model::Object& record) {
  std::vector<uint16_t> values(object.count);
  if (semctl(object.id, 0, GETALL, values.data()) != 0)
    return errno_error("cannot read " + object.name());
  record.size = object.count;
  record.content = capture.image.blob(std::string_view(reinterpret_cast<const char*>(values.data()),
                                                       values.size() * sizeof(uint16_t)));
  return {};
}

Result<void> add_room(const IpcObject& object, model::Object& record) {
  msqid_ds status = {};
  if (msgctl(object.id, IPC_STAT, &status) != 0) return errno_error("cannot read " + object.name());
  record.size = status.msg_qbytes;
  if (object.count != 0) record.flags |= model::kHeldMessages;
  return {};
}

Result<void> add(Capture& capture, const IpcObject& object) {
  const bool set = object.kind == IpcKind::sem;
  model::Object record;
  record.kind = set ? model::ObjectKind::sem : model::ObjectKind::msg;
  record.id = static_cast<uint64_t>(object.id);
  record.flags = object.mode & 0777;
  record.name = capture.image.blob(object.key_text());
  record.atime_ns = object.used * kSecond;
  record.uid = object.owner;
  record.gid = object.group;
  THAW_TRY(set ? add_values(capture, object, record) : add_room(object, record));
  image::Builder::add(capture.image.objects, record);
  capture.known_ipc.push_back({object.id, static_cast<uint32_t>(object.kind)});
  capture.warnings.push_back("launches use " + object.name() + " as they find it, with " +
                             (set ? "the values" : "the messages") +
                             " that it has then, and are cold starts where it has another id "
                             "(after a boot, or when it was "
                             "removed); where there is none, root's launches make it" +
                             (set ? " with the values of the image" : ""));
  return {};
}

/// An image that this app was launched from had it.
bool was_launched_with(const std::optional<shim::Tables>& tables, const IpcObject& object) {
  const uint64_t count = tables ? tables->known_ipc_count : 0;
  const auto* end = count <= shim::kMostKnownIpc && tables ? tables->known_ipc + count : nullptr;
  return end != nullptr && std::any_of(tables->known_ipc, end, [&object](const auto& known) {
           return known.id == object.id && known.kind == static_cast<uint32_t>(object.kind);
         });
}

/// The app knows its id, whoever was the last to use it.
bool was_seen(const Request& request, const IpcObject& object) {
  if (!request.calls) return false;
  const SeenCalls& seen = *request.calls;
  return (object.kind == IpcKind::sem ? seen.semaphores : seen.message_queues).contains(object.id);
}

/// The first of the processes that was the last to use it, 0: none of them.
pid_t user_among(const std::vector<pid_t>& pids, const IpcObject& object) {
  const auto found = std::find_if(pids.begin(), pids.end(),
                                  [&object](pid_t pid) { return object.was_last_used_by(pid); });
  return found == pids.end() ? 0 : *found;
}

Error undos_of(pid_t pid) {
  return proc::refuse(pid, "has System V semaphore operations to be undone at its end (SEM_UNDO)",
                      "let the app use these semaphores after the checkpoint");
}

/// Of one that runs: whoever has made a thread has a list, and it may be empty.
bool seems_to_have_undos(pid_t pid) {
  const auto threads = numeric_entries("/proc/" + std::to_string(pid) + "/task/");
  return threads && threads.value().size() == 1 && proc::may_have_undos(pid);
}

Result<void> check_undos(const ProcessCapture& process, const IpcObject& object) {
  if (object.kind != IpcKind::sem || !proc::may_have_undos(process.pid)) return {};
  THAW_ASSIGN(undos, has_undos(process, object));
  if (!undos) return {};
  return undos_of(process.pid);
}

Result<void> named(Result<void> result, const Capture& capture, pid_t pid) {
  if (result || pid == capture.root().pid) return result;
  return proc::of_member(result.error(), pid);
}

/// `user`: the process of the app that is named with it.
Result<void> check(const Capture& capture, const IpcObject& object, pid_t user) {
  for (const ProcessCapture& process : capture.processes)
    THAW_TRY(named(check_undos(process, object), capture, process.pid));
  THAW_TRY(named(check_policy(capture.request.policies, user, object), capture, user));
  return named(check_owner(user, object), capture, user);
}

}  // namespace

Result<void> collect_ipc_objects(Capture& capture) {
  const policy::Policies& policies = capture.request.policies;
  const auto tables = find_tables(capture.root());
  std::vector<pid_t> pids;
  for (const ProcessCapture& process : capture.processes) pids.push_back(process.pid);
  std::vector<IpcObject> kept;
  for (const IpcObject& object : proc::read_ipc_objects()) {
    const policy::Choice choice = choice_for(policies, object);
    const pid_t user = user_among(pids, object);
    const bool named = choice.by_name && choice.action == policy::Action::reopen;
    if (user == 0 && !named && !was_launched_with(tables, object) &&
        !was_seen(capture.request, object))
      continue;
    THAW_TRY(check(capture, object, user != 0 ? user : capture.root().pid));
    kept.push_back(object);
  }
  if (kept.size() > model::kMostIpcObjects)
    return Error{0, "the app has used more than 16 System V semaphore sets and message queues",
                 "let it use fewer before the checkpoint"};
  for (const IpcObject& object : kept) THAW_TRY(add(capture, object));
  return {};
}

std::vector<Error> ipc_refusals(const Request& request, const proc::Members& members) {
  std::vector<Error> found;
  auto add_error = [&](pid_t pid, Result<void> result) {
    if (!result)
      found.push_back(pid == request.pid ? result.error() : proc::of_member(result.error(), pid));
  };
  for (const IpcObject& object : proc::read_ipc_objects()) {
    pid_t user = user_among(members.running, object);
    if (user == 0 && was_seen(request, object)) user = request.pid;
    if (user == 0) continue;
    if (object.kind == IpcKind::sem && seems_to_have_undos(user)) add_error(user, undos_of(user));
    add_error(user, check_policy(request.policies, user, object));
  }
  return found;
}

}  // namespace thaw::checkpoint
