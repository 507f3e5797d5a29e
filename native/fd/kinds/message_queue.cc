// POSIX message queues. They belong to no process and outlive all of them: under the policy `reopen`
// every instance of the app uses the one of that name, as cold starts would. None is made: where it is
// not there, the app's cold start makes it as it wants it.
#include <fcntl.h>
#include <mqueue.h>
#include <unistd.h>

#include <algorithm>

#include "fd/kinds.h"
#include "fd/payload.h"
#include "fd/reopen.h"
#include "support/file.h"

namespace thaw::fd {
namespace {

constexpr auto kType = policy::Type::file;
constexpr policy::Actions kActions = {Action::reopen, Action::close, Action::ignore};

struct QueueRecord {
  model::Blob name;  ///< for mq_open(3)
  int64_t most_messages = 0;
  int64_t message_size = 0;
};

bool match(const Probe& p) {
  return is_message_queue(p);
}

/// Without the place where the file system of queues may be mounted.
std::string name_of(const Probe& p) {
  return p.link.substr(std::min(p.link.rfind('/'), p.link.size()));
}

/// Whether a message that comes to the empty queue is told to the app (mq_notify(3)): "QSIZE:0
/// NOTIFY:0 SIGNO:10 NOTIFY_PID:1234".
Result<bool> is_told(const Probe& p) {
  THAW_ASSIGN(reader, open_again(p.copy.get(), O_RDONLY | O_NONBLOCK));
  char text[256] = {};
  if (read(reader.get(), text, sizeof(text) - 1) < 0) return errno_error("cannot read its state");
  return line_field(text, "NOTIFY_PID:") != "0";
}

Result<void> collect(Collector& c, const Probe& p, model::OpenFile& out) {
  const std::string closing = "open one (mq_open(3)) after the checkpoint, or ";
  const std::string given_up = policy::suggestion(kType, p.link, policy::kCloseOrIgnore);
  if (p.status.st_nlink == 0)
    return refuse(p, "is a POSIX message queue that was unlinked", closing + given_up);
  const auto told = is_told(p);
  if (!told)
    return refuse(
        p,
        "is a POSIX message queue that cannot be opened for reading: nobody knows whether "
        "the app is told of its messages (mq_notify)",
        "make it readable for the app's user, or " + closing + given_up);
  if (told.value())
    return refuse(p, "is a POSIX message queue of whose messages the app is told (mq_notify)",
                  "ask for that after the checkpoint, or " + given_up);
  if (action_of(out) != Action::reopen)
    return refuse(
        p, "is a POSIX message queue, which other processes may share",
        "open it (mq_open(3)) after the checkpoint, or, where all instances may use it at "
        "the same time, " +
            policy::suggestion(kType, p.link, kActions));
  mq_attr attributes = {};
  if (mq_getattr(p.copy.get(), &attributes) != 0)
    return refuse(p, "is a POSIX message queue that cannot be examined", closing + given_up);
  const std::string name = name_of(p);
  QueueRecord record;
  record.name = c.image.blob(name);
  record.most_messages = attributes.mq_maxmsg;
  record.message_size = attributes.mq_msgsize;
  out.payload = c.image.record(record);
  out.note = c.image.blob("policy: the message queue " + name);
  return {};
}

Result<UniqueFd> open(Opener& o, const model::OpenFile& file) {
  const auto& record = *o.image.record<QueueRecord>(file.payload);
  const std::string_view name = o.image.bytes(record.name);
  UniqueFd fd(mq_open(name.data(), static_cast<int>(file.flags & (O_ACCMODE | O_NONBLOCK))));
  if (!fd.valid()) return errno_error("cannot open the message queue " + std::string(name));
  mq_attr now = {};
  if (mq_getattr(fd.get(), &now) != 0 || now.mq_maxmsg != record.most_messages ||
      now.mq_msgsize != record.message_size)
    return Error{0, "the message queue " + std::string(name) + " is of another size than it was"};
  return fd;
}

const char* validate(const image::View& view, const model::OpenFile& file) {
  const auto* record = view.record<QueueRecord>(file.payload);
  return record != nullptr && valid_string(view, record->name) &&
                 view.bytes(record->name).starts_with('/')
             ? nullptr
             : "a message queue's record in the image is broken";
}

}  // namespace

constinit const Kind kMessageQueue = {
    .name = "message queue",
    .policy = {.type = kType, .actions = kActions},
    .match = THAW_CHECKPOINT(match),
    .collect = THAW_CHECKPOINT(collect),
    .open = open,
    .validate = validate,
};

}  // namespace thaw::fd
