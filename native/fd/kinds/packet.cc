// Packet sockets: bound to an interface, which is known by its name, or to all of them; with the
// groups and modes of interfaces that they have asked for. What has passed by between checkpoint and
// launch is not told, as on a socket just opened.
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <cstring>

#include "fd/actions.h"
#include "fd/kinds.h"
#include "fd/packet_diag.h"
#include "fd/socket.h"

namespace thaw::fd {
namespace {

constexpr uint32_t kMostMemberships = 16;

struct Membership {
  char interface[16] = {};
  uint32_t count = 0;  ///< how often the app has asked for it
  uint16_t type = 0;   ///< PACKET_MR_*
  uint16_t size = 0;   ///< of the address
  uint8_t address[32] = {};
};

struct PacketRecord {
  SocketRecord socket;
  char interface[16] = {};  ///< empty: all
  uint16_t protocol = 0;    ///< ETH_P_*, in network byte order
  uint16_t membership_count = 0;
  uint32_t copy_threshold = 0;
  Membership memberships[kMostMemberships];
};

bool matches(const Probe& probe) {
  const SocketType type = socket_type(probe);
  return type.domain == AF_PACKET && (type.type == SOCK_RAW || type.type == SOCK_DGRAM);
}

sockaddr_ll name_of(int fd) {
  sockaddr_ll name = {};
  socklen_t size = sizeof(name);
  getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size);
  return name;
}

/// False: it has gone.
bool name_interface(int fd, uint32_t number, char (&name)[16]) {
  ifreq request = {};
  request.ifr_ifindex = static_cast<int>(number);
  if (ioctl(fd, SIOCGIFNAME, &request) != 0) return false;
  std::memcpy(name, request.ifr_name, sizeof(name));
  return true;
}

Result<int> number_of(int fd, const char (&name)[16]) {
  ifreq request = {};
  std::memcpy(request.ifr_name, name, sizeof(name) - 1);
  if (ioctl(fd, SIOCGIFINDEX, &request) == 0) return request.ifr_ifindex;
  return errno_error(std::string("no network interface ") + request.ifr_name +
                     " for a packet socket");
}

std::string name_text(const PacketRecord& record) {
  return record.interface[0] == '\0' ? "all interfaces" : record.interface;
}

Result<void> read_memberships(const Probe& probe, const PacketSocket& state, PacketRecord& record) {
  for (const packet_diag_mclist& asked : state.memberships) {
    if (record.membership_count == kMostMemberships)
      return refuse(probe, "is a packet socket with more than 16 groups and modes",
                    "open it after the checkpoint");
    Membership& kept = record.memberships[record.membership_count];
    if (!name_interface(probe.copy.get(), static_cast<uint32_t>(asked.pdmc_index), kept.interface))
      continue;  // Its interface has gone, and has taken it along.
    kept.count = asked.pdmc_count;
    kept.type = asked.pdmc_type;
    kept.size = asked.pdmc_alen;
    std::memcpy(kept.address, asked.pdmc_addr, sizeof(kept.address));
    ++record.membership_count;
  }
  return {};
}

/// What the kernel, or other sockets, have a part in: left out where the policy says so.
Result<void> refuse_shared(const Collector& c, const Probe& probe, const PacketSocket& state,
                           const std::string& name, model::OpenFile& out) {
  if (!state.has_ring && !state.has_fanout) return {};
  constexpr policy::Actions kActions = {Action::ignore};
  THAW_ASSIGN(action, choose_action(c, probe, policy::Type::socket, name, kActions));
  out.action = static_cast<uint32_t>(action);
  if (action == Action::ignore) return {};
  return refuse(probe,
                state.has_ring
                    ? "is a packet socket with a ring (PACKET_RX_RING, PACKET_TX_RING)"
                    : "is a packet socket that shares packets with others (PACKET_FANOUT)",
                "let the app set that up after the checkpoint, or " +
                    policy::suggestion(policy::Type::socket, name, kActions));
}

Result<void> collect(Collector& c, const Probe& probe, model::OpenFile& out) {
  PacketRecord record;
  THAW_TRY(collect_socket(c, probe, record.socket));
  THAW_TRY(refuse_hidden_option(c, probe));
  record.socket.local = {};
  THAW_ASSIGN(state, packet_diag(probe.pid, probe.status.st_ino));
  const sockaddr_ll name = name_of(probe.copy.get());
  record.protocol = name.sll_protocol;
  record.copy_threshold = state.copy_threshold;
  if (name.sll_ifindex != 0 &&
      !name_interface(probe.copy.get(), static_cast<uint32_t>(name.sll_ifindex), record.interface))
    return refuse(probe, "is a packet socket on an interface that has gone",
                  "close it before the checkpoint");
  const std::string what = "packets of " + name_text(record);
  THAW_TRY(refuse_shared(c, probe, state, what, out));
  THAW_TRY(read_memberships(probe, state, record));
  if ((poll_now(probe.copy.get()) & POLLIN) != 0)
    THAW_TRY(drop_waiting(c, probe, what, "packets that the app has not read", out));
  out.payload = c.image.record(record);
  out.note = c.image.blob(what);
  return {};
}

Result<void> ask_for(int fd, const Membership& membership) {
  THAW_ASSIGN(number, number_of(fd, membership.interface));
  // packet_mreq of the kernel, with room for its longest address (MAX_ADDR_LEN).
  struct {
    int interface;
    uint16_t type, size;
    uint8_t address[32];
  } request = {number, membership.type, membership.size, {}};
  std::memcpy(request.address, membership.address, sizeof(request.address));
  for (uint32_t i = 0; i < membership.count; ++i)
    if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request, sizeof(request)) != 0)
      return errno_error(std::string("cannot set the mode of ") + membership.interface +
                         " for a packet socket");
  return {};
}

/// Until it is bound it receives nothing: the filter is there before the first packet.
Result<void> bind_packets(int fd, const PacketRecord& record) {
  sockaddr_ll name = {};
  name.sll_family = AF_PACKET;
  name.sll_protocol = record.protocol;
  if (record.interface[0] != '\0') {
    THAW_ASSIGN(number, number_of(fd, record.interface));
    name.sll_ifindex = number;
  }
  if (name.sll_ifindex == 0 && name.sll_protocol == 0) return {};
  if (bind(fd, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0) return {};
  return errno_error("cannot listen to packets of " + name_text(record));
}

Result<UniqueFd> open_packet(Opener& opener, const model::OpenFile& file) {
  const auto& record = *opener.image.record<PacketRecord>(file.payload);
  THAW_ASSIGN(fd, make_socket(opener.image, record.socket));
  const auto threshold = static_cast<int>(record.copy_threshold);
  if (threshold != 0 &&
      setsockopt(fd.get(), SOL_PACKET, PACKET_COPY_THRESH, &threshold, sizeof(threshold)) != 0)
    return errno_error("cannot set up a packet socket");
  for (uint32_t i = 0; i < record.membership_count; ++i)
    THAW_TRY(ask_for(fd.get(), record.memberships[i]));
  THAW_TRY(bind_packets(fd.get(), record));
  THAW_TRY(apply_options(fd.get(), record.socket.options, OptionPhase::last));
  return fd;
}

const char* validate(const image::View& view, const model::OpenFile& file) {
  constexpr const char* kBroken = "a packet socket's record is broken";
  constexpr uint32_t kMostCount = 1024;
  const auto* record = view.record<PacketRecord>(file.payload);
  if (record == nullptr) return "a packet socket's record has a wrong size";
  if (record->socket.protocol != 0 || record->interface[15] != '\0' ||
      record->membership_count > kMostMemberships)
    return kBroken;
  for (const Membership& membership : record->memberships)
    if (membership.interface[15] != '\0' || membership.count > kMostCount ||
        membership.size > sizeof(membership.address))
      return kBroken;
  if (const char* problem = validate_filter(view, record->socket)) return problem;
  return validate_socket(record->socket, AF_PACKET);
}

}  // namespace

constinit const Kind kPacket = {
    .name = "packet socket",
    .policy = kDropsWaiting,
    .match = THAW_CHECKPOINT(matches),
    .collect = THAW_CHECKPOINT(collect),
    .open = open_packet,
    .validate = validate,
    .seen_outside = true,
};

}  // namespace thaw::fd
