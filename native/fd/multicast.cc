#include "fd/multicast.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

#include <cstdio>
#include <cstring>
#include <vector>

#include "support/file.h"

namespace thaw::fd {
namespace {

struct Candidate {
  uint32_t interface = 0;
  Membership membership;
};

/// Calls `use` with every line of a table of the app's network namespace. A kernel without the
/// protocol has none.
template <typename Use>
void each_row(pid_t pid, const char* table, Use use) {
  const auto text = read_file("/proc/" + std::to_string(pid) + "/net/" + table);
  if (!text) return;
  each_line(text.value(), "", [&use](std::string_view line) {
    use(std::string(line));
    return true;
  });
}

/// /proc/PID/net/igmp: a line "index device : ..." for each interface, below it one line with a tab
/// for each group, as the 32-bit number that the address is in memory.
void read_igmp(pid_t pid, std::vector<Candidate>& out) {
  Candidate current;
  current.membership.family = AF_INET;
  each_row(pid, "igmp", [&](const std::string& line) {
    uint32_t group = 0;
    if (line.empty() || line[0] != '\t') {
      std::memset(current.membership.interface, 0, sizeof(current.membership.interface));
      if (std::sscanf(line.c_str(), "%u %15s", &current.interface, current.membership.interface) !=
          2)
        current.interface = 0;
    } else if (current.interface != 0 && std::sscanf(line.c_str(), " %8x", &group) == 1) {
      std::memcpy(current.membership.group, &group, sizeof(group));
      out.push_back(current);
    }
  });
}

/// /proc/PID/net/igmp6: "index device group users flags timer", the group as 32 hex digits.
void read_igmp6(pid_t pid, std::vector<Candidate>& out) {
  each_row(pid, "igmp6", [&](const std::string& line) {
    Candidate row;
    row.membership.family = AF_INET6;
    char digits[33] = {};
    if (std::sscanf(line.c_str(), "%u %15s %32s", &row.interface, row.membership.interface,
                    digits) != 3)
      return;
    for (size_t i = 0; i < sizeof(row.membership.group); ++i) {
      unsigned byte = 0;
      if (std::sscanf(digits + 2 * i, "%2x", &byte) != 1) return;
      row.membership.group[i] = static_cast<uint8_t>(byte);
    }
    out.push_back(row);
  });
}

sockaddr_storage group_address(const Membership& m) {
  sockaddr_storage storage = {};
  storage.ss_family = static_cast<sa_family_t>(m.family);
  if (m.family == AF_INET)
    std::memcpy(&reinterpret_cast<sockaddr_in&>(storage).sin_addr, m.group, sizeof(in_addr));
  else
    std::memcpy(&reinterpret_cast<sockaddr_in6&>(storage).sin6_addr, m.group, sizeof(in6_addr));
  return storage;
}

int level_of(const Membership& m) {
  return m.family == AF_INET ? SOL_IP : SOL_IPV6;
}

std::string text(const Membership& m) {
  char address[INET6_ADDRSTRLEN] = {};
  inet_ntop(static_cast<int>(m.family), m.group, address, sizeof(address));
  return std::string(address) + " on " + m.interface;
}

enum class Member { no, all_sources, some_sources };

Member ask(int fd, const Candidate& candidate) {
  group_filter filter = {};
  filter.gf_interface = candidate.interface;
  filter.gf_group = group_address(candidate.membership);
  socklen_t size = sizeof(filter);
  if (getsockopt(fd, level_of(candidate.membership), MCAST_MSFILTER, &filter, &size) != 0)
    return Member::no;
  return filter.gf_fmode == MCAST_EXCLUDE && filter.gf_numsrc == 0 ? Member::all_sources
                                                                   : Member::some_sources;
}

}  // namespace

Result<void> collect_memberships(const Probe& probe, Memberships& out) {
  std::vector<Candidate> candidates;
  read_igmp(probe.pid, candidates);
  read_igmp6(probe.pid, candidates);
  for (const Candidate& candidate : candidates) {
    const Member member = ask(probe.copy.get(), candidate);
    if (member == Member::no) continue;
    if (member == Member::some_sources)
      return refuse(
          probe,
          "has joined multicast group " + text(candidate.membership) + " for some sources only",
          "join it after the checkpoint");
    if (out.count == Memberships::kMax)
      return refuse(probe, "has joined too many multicast groups",
                    "join some of them after the checkpoint");
    out.rows[out.count++] = candidate.membership;
  }
  return {};
}

Result<void> join(int fd, const Memberships& memberships) {
  for (uint32_t i = 0; i < memberships.count; ++i) {
    const Membership& m = memberships.rows[i];
    ifreq device = {};
    std::memcpy(device.ifr_name, m.interface, IFNAMSIZ - 1);
    if (ioctl(fd, SIOCGIFINDEX, &device) != 0)
      return errno_error("cannot join multicast group " + text(m));
    group_req request = {};
    request.gr_interface = static_cast<uint32_t>(device.ifr_ifindex);
    request.gr_group = group_address(m);
    if (setsockopt(fd, level_of(m), MCAST_JOIN_GROUP, &request, sizeof(request)) != 0)
      return errno_error("cannot join multicast group " + text(m));
  }
  return {};
}

const char* validate_memberships(const Memberships& memberships) {
  if (memberships.count > Memberships::kMax) return "a socket has too many multicast groups";
  for (uint32_t i = 0; i < memberships.count; ++i) {
    const Membership& m = memberships.rows[i];
    if ((m.family != AF_INET && m.family != AF_INET6) ||
        m.interface[sizeof(m.interface) - 1] != '\0')
      return "a socket's multicast group is broken";
  }
  return nullptr;
}

}  // namespace thaw::fd
