// Connections whose conversation a launch has again (native/session/): the app gets a connection of
// its own to the real server, which knows of the launch what it knew of the app.
#include "fd/session.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <algorithm>

#include "fd/actions.h"
#include "fd/kinds.h"
#include "fd/shared_memory.h"
#include "session/protocol.h"
#ifndef THAW_LAUNCH_ONLY
#include "session/record/relay.h"
#endif

namespace thaw::fd {
namespace {

struct SessionRecord {
  SocketRecord socket;
  SocketAddress server;
  uint32_t protocol = 0;
  uint32_t reserved = 0;
};

/// Others hand it over (fd/session.h).
bool matches(const Probe&) {
  return false;
}

Result<void> collect(Collector&, const Probe&, model::OpenFile&) {
  return {};
}

/// What has come and the app has not read, the script would not have it read.
bool has_unread(const Probe& probe) {
  int unread = 0;
  return ioctl(probe.copy.get(), FIONREAD, &unread) != 0 || unread > 0;
}

Result<UniqueFd> open_session(Opener& opener, const model::OpenFile& file) {
  const auto& record = *opener.image.record<SessionRecord>(file.payload);
  return make_socket(record.socket);
}

Result<int> memory(Opener& opener, uint64_t device, uint64_t inode) {
  const auto objects = opener.image.objects();
  for (size_t i = 0; i < objects.size(); ++i)
    if (objects[i].kind == model::ObjectKind::shared_memory &&
        objects[i].id == object_id(device, inode))
      return open_memory(opener, static_cast<model::Index>(i));
  return Error{0, "the app no longer had the memory of what it shows when the image was made"};
}

Error with_server(const SessionRecord& record, const Error& error) {
  return Error{error.err, "the conversation with " + address_text(record.server) +
                              " cannot be had again: " + error.message};
}

/// Another socket stands at the same descriptor.
Result<void> replace(const SessionRecord& record, int fd) {
  THAW_ASSIGN(fresh, make_socket(record.socket));
  const int flags = fcntl(fd, F_GETFD);
  if (flags < 0 || dup3(fresh.get(), fd, (flags & FD_CLOEXEC) != 0 ? O_CLOEXEC : 0) < 0)
    return errno_error("cannot replace a connection");
  return {};
}

/// Last, as others see it: all that is the launch's own stands by now.
Result<void> finish(Opener& opener, const model::OpenFile& file, int fd) {
  const auto& record = *opener.image.record<SessionRecord>(file.payload);
  const session::Protocol& protocol = *session::find_protocol(record.protocol);
  const auto played = [&]() -> Result<void> {
    THAW_ASSIGN(stream, session::Stream::begin(fd));
    const auto connect = [&] {
      return stream.connect(reinterpret_cast<const sockaddr*>(record.server.bytes),
                            record.server.size, address_text(record.server));
    };
    THAW_TRY(connect());
    session::Playing playing = {
        stream, opener.image.bytes(file.content), *opener.texts,
        [&opener](uint64_t device, uint64_t inode) { return memory(opener, device, inode); },
        [&]() -> Result<void> {
          THAW_TRY(replace(record, fd));
          THAW_TRY(stream.begin_again());
          return connect();
        }};
    THAW_TRY(protocol.play(playing));
    THAW_TRY(stream.end());
    return apply_options(fd, record.socket.options, OptionPhase::last);
  }();
  if (!played) return with_server(record, played.error());
  return {};
}

bool is_writable(const image::View& view, const model::Process& process, uint64_t address,
                 uint64_t size) {
  const auto mappings = image::View::part(view.mappings(), process.mappings);
  return std::any_of(mappings.begin(), mappings.end(), [=](const model::Mapping& mapping) {
    return (mapping.prot & PROT_WRITE) != 0 && address >= mapping.start && address < mapping.end &&
           size <= mapping.end - address;
  });
}

const char* validate(const image::View& view, const model::OpenFile& file) {
  const auto* record = view.record<SessionRecord>(file.payload);
  if (record == nullptr) return "a session's record has a wrong size";
  if (const char* problem = validate_socket(record->socket, AF_UNIX)) return problem;
  if (const char* problem = validate_address(record->server, AF_UNIX)) return problem;
  const session::Protocol* protocol = session::find_protocol(record->protocol);
  if (protocol == nullptr || record->server.size == 0 || record->socket.type != SOCK_STREAM)
    return "a session's record is broken";
  const model::Process& process = view.processes()[file.process];
  return protocol->validate(view.bytes(file.content), [&](uint64_t address, uint64_t size) {
    return is_writable(view, process, address, size);
  });
}

}  // namespace

#ifndef THAW_LAUNCH_ONLY
namespace {

std::vector<pid_t> others_of(std::span<const pid_t> processes, pid_t one) {
  std::vector<pid_t> others(processes.begin(), processes.end());
  std::erase(others, one);
  return others;
}

}  // namespace

Result<bool> collect_session(Collector& c, const Probe& probe, const SocketRecord& socket,
                             uint32_t peer, model::OpenFile& out) {
  if (c.relay == nullptr) return false;
  auto known = c.relay->known(peer, probe.pid, others_of(c.processes, probe.pid));
  if (known == nullptr) return false;
  const std::string name = address_text(known->server);
  const std::string what = "is connected to " + name + " ";
  if (!known->recorded) {
    const Error& error = known->recorded.error();
    if (error.err != 0 && error.err != EAGAIN) return error;
    Error refusal = refuse(probe, what + error.message, error.remedy);
    refusal.err = c.frozen ? error.err : 0;  // EAGAIN: it may be otherwise in a moment.
    return refusal;
  }
  if (has_unread(probe)) {
    Error refusal = refuse(probe, what + "with messages that it has not read", "lengthen `settle`");
    refusal.err = c.frozen ? EAGAIN : 0;
    return refusal;
  }
  const session::Recorded& recorded = known->recorded.value();
  SessionRecord record;
  record.socket = socket;
  record.server = known->server;
  record.protocol = known->protocol->id;
  out.kind = kind_id(kSession);
  out.action = static_cast<uint32_t>(Action::replay);
  out.payload = c.image.record(record);
  out.content = c.image.blob(recorded.script);
  out.note = c.image.blob("to " + name + ", " + known->protocol->name + ": " + recorded.note);
  if (c.warnings != nullptr)
    for (const std::string& warning : recorded.warnings)
      c.warnings->push_back(describe(probe) + " " + what + "and " + warning.substr(3));
  return true;
}
#else
/// Nothing of this half is used.
Result<bool> collect_session(Collector&, const Probe&, const SocketRecord&, uint32_t,
                             model::OpenFile&) {
  return false;
}
#endif

constinit const Kind kSession = {
    .name = "session",
    .policy = {.type = policy::Type::socket,
               .actions = {Action::replay},
               .asked = PolicyUse::Asked::by_kind},
    .match = THAW_CHECKPOINT(matches),
    .collect = THAW_CHECKPOINT(collect),
    .open = open_session,
    .finish = finish,
    .validate = validate,
    .seen_outside = true,
};

}  // namespace thaw::fd
