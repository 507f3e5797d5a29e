// The last row of the table: everything that no other kind knows. It says what the descriptor is
// and what to do; with a policy, `close` brings it back as the end of a closed connection and
// `ignore` leaves it out.
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <string>

#include "fd/actions.h"
#include "fd/dead_socket.h"
#include "fd/kinds.h"
#include "fd/socket.h"

namespace thaw::fd {
namespace {

constexpr policy::Actions kActions = policy::kCloseOrIgnore;

/// `prefix` of the descriptor's name in /proc/PID/fd.
struct Hint {
  std::string_view prefix;
  const char* what;
  const char* remedy;
};

constexpr const char* kLater = "open it after the checkpoint, or close it before";

constexpr Hint kHints[] = {
    {"anon_inode:[io_uring]",
     "is an io_uring, whose rings the kernel shares with the process that made it",
     "set UV_USE_IO_URING=0 in its environment for Node and libuv, the epoll or NIO transport for "
     "Netty, the epoll backend elsewhere"},
    {"anon_inode:[userfaultfd]",
     "is a userfaultfd, which watches the memory of the process that made it",
     "switch the runtime's use of it off, or end what watches (a checkpoint, a migration)"},
    {"anon_inode:[perf_event]", "counts performance events of the process that opened it",
     "detach the profiler (perf, async-profiler) before the checkpoint"},
    {"anon_inode:bpf", "is a BPF object", "load BPF programs after the checkpoint"},
    {"anon_inode:btf", "is a BPF object", "load BPF programs after the checkpoint"},
    {"anon_inode:kvm", "belongs to a virtual machine of KVM",
     "start virtual machines after the checkpoint"},
    {"anon_inode:[vfio", "is a device given to user space (VFIO)", kLater},
    {"anon_inode:iommu", "is a device given to user space (IOMMU)", kLater},
    {"anon_inode:dmabuf", "is a buffer shared with a device",
     "close GPU and camera buffers before the checkpoint"},
    {"/dmabuf:", "is a buffer shared with a device",
     "close GPU and camera buffers before the checkpoint"},
    {"anon_inode:sync_file", "is a fence of a device", "close the GPU before the checkpoint"},
    {"anon_inode:drm_syncobj", "is a fence of a device", "close the GPU before the checkpoint"},
    {"anon_inode:i915", "belongs to a GPU", "close the GPU before the checkpoint"},
    {"anon_inode:[seccomp", "listens to another process's seccomp filter", kLater},
    {"anon_inode:seccomp", "listens to another process's seccomp filter", kLater},
    {"anon_inode:landlock", "is a Landlock rule set that is not in force yet",
     "enforce and close it before the checkpoint"},
    {"anon_inode:[landlock", "is a Landlock rule set that is not in force yet",
     "enforce and close it before the checkpoint"},
    {"anon_inode:[fscontext]", "is a file system that is not mounted yet", kLater},
    {"anon_inode:[secretmem]", "is secret memory, which nobody else can read",
     "create it after the checkpoint (OpenSSL's secure heap, memfd_secret)"},
    {"secretmem", "is secret memory, which nobody else can read",
     "create it after the checkpoint (memfd_secret)"},
    {"/secretmem", "is secret memory, which nobody else can read",
     "create it after the checkpoint (memfd_secret)"},
    {"anon_inode:gpio", "is a line of a GPIO chip", kLater},
    {"anon_inode:iio", "is a buffer of a sensor", kLater},
    {"anon_inode:counter", "is a counter device", kLater},
    {"anon_inode:media", "is a request to a media device", kLater},
    {"mnt:", "is a namespace", kLater},
    {"net:", "is a namespace", kLater},
    {"pid:", "is a namespace", kLater},
    {"user:", "is a namespace", kLater},
    {"ipc:", "is a namespace", kLater},
    {"uts:", "is a namespace", kLater},
    {"time:", "is a namespace", kLater},
    {"cgroup:", "is a namespace", kLater},
    {"/proc/", "shows a process or the kernel as it was",
     "close it before the checkpoint and open it when needed"},
    {"/sys/", "shows a device as it was", "close it before the checkpoint and open it when needed"},
    {"/dev/dri/", "is a GPU, whose state is in the driver",
     "stop before the app opens it, by until = { open = \"/dev/dri/*\" }, or let it draw by "
     "software"},
    {"/dev/nvidia", "is a GPU, whose state is in the driver",
     "stop before the app opens it, by until = { open = \"/dev/nvidia*\" }"},
    {"/dev/mali", "is a GPU, whose state is in the driver",
     "stop before the app opens it, by until = { open = \"/dev/mali*\" }"},
    {"/dev/kgsl", "is a GPU, whose state is in the driver",
     "stop before the app opens it, by until = { open = \"/dev/kgsl*\" }"},
    {"/dev/kvm", "is KVM", "start virtual machines after the checkpoint"},
    {"/dev/snd/", "is a sound device",
     "stop before the app opens it, by until = { open = \"/dev/snd/*\" }"},
    {"/dev/video", "is a camera or codec",
     "stop before the app opens it, by until = { open = \"/dev/video*\" }"},
    {"/dev/binder", "is Android's binder, whose references are the process's own", kLater},
    {"/dev/fuse", "is the server's end of a FUSE file system", kLater},
    {"/dev/net/tun", "is a tunnel interface", kLater},
};

struct FamilyHint {
  int domain;
  int type;      ///< -1: any
  int protocol;  ///< -1: any
  const char* what;
  const char* remedy;
};

constexpr FamilyHint kFamilies[] = {
    {AF_INET, -1, IPPROTO_SCTP, "is an SCTP socket", kLater},
    {AF_INET6, -1, IPPROTO_SCTP, "is an SCTP socket", kLater},
    {AF_INET, -1, -1, "is an IP socket of a protocol that thaw does not know", kLater},
    {AF_INET6, -1, -1, "is an IP socket of a protocol that thaw does not know", kLater},
    {AF_NETLINK, -1, NETLINK_AUDIT, "is a netlink socket of the audit system", kLater},
    {AF_NETLINK, -1, NETLINK_NETFILTER, "is a netlink socket of the packet filter", kLater},
    {AF_NETLINK, -1, NETLINK_GENERIC,
     "is a generic netlink socket, whose state depends on its family", kLater},
    {AF_NETLINK, -1, -1, "is a netlink socket of a protocol with state in the kernel", kLater},
    {AF_PACKET, -1, -1, "is a packet socket of an old type (SOCK_PACKET)", kLater},
    {AF_VSOCK, -1, -1, "is a socket to a virtual machine", kLater},
    {AF_ALG, -1, -1, "is a socket to the kernel's cryptography, which holds keys",
     "let the crypto library use user space (OpenSSL: no afalg engine)"},
    {AF_CAN, -1, -1, "is a CAN bus socket", kLater},
    {AF_BLUETOOTH, -1, -1, "is a Bluetooth socket", kLater},
    {AF_XDP, -1, -1, "is an XDP socket", kLater},
    {AF_KCM, -1, -1, "is a kernel connection multiplexor", kLater},
    {AF_TIPC, -1, -1, "is a TIPC socket", kLater},
};

/// What the mode of the file says, where its name says nothing.
const char* type_text(const struct stat& status) {
  switch (status.st_mode & S_IFMT) {
    case S_IFREG:
      return "is a file that thaw cannot open again";
    case S_IFDIR:
      return "is a directory that thaw cannot open again";
    case S_IFCHR:
    case S_IFBLK:
      return "is a device, whose state is in the driver";
    case S_IFSOCK:
      return "is a socket of a family that thaw does not know";
    default:
      return "is of a type that thaw does not know";
  }
}

Hint socket_hint(const Probe& probe) {
  const SocketType type = socket_type(probe);
  for (const FamilyHint& row : kFamilies)
    if (row.domain == type.domain && (row.type == -1 || row.type == type.type) &&
        (row.protocol == -1 || row.protocol == type.protocol))
      return {{}, row.what, row.remedy};
  return {{}, type_text(probe.status), kLater};
}

Hint find_hint(const Probe& probe) {
  for (const Hint& hint : kHints)
    if (std::string_view(probe.link).starts_with(hint.prefix)) return hint;
  return S_ISSOCK(probe.status.st_mode) ? socket_hint(probe)
                                        : Hint{{}, type_text(probe.status), kLater};
}

/// Socket numbers change with every build: a policy for one says nothing of the next.
std::string_view stable_name(const Probe& probe) {
  return S_ISSOCK(probe.status.st_mode) ? std::string_view() : std::string_view(probe.link);
}

bool matches(const Probe&) {
  return true;
}

Result<void> collect(Collector& c, const Probe& probe, model::OpenFile& out) {
  const Hint hint = find_hint(probe);
  const policy::Type type = policy_type(probe.status.st_mode);
  THAW_ASSIGN(action, choose_action(c, probe, type, probe.link, kActions));
  if (action == Action::error)
    return refuse(probe, hint.what,
                  std::string(hint.remedy) + ", or " +
                      policy::suggestion(type, stable_name(probe), kActions));
  out.action = static_cast<uint32_t>(action);
  // What stands in its place is a socket: only these flags mean something there.
  out.flags = O_RDWR | (probe_flags(probe) & O_NONBLOCK);
  out.position = 0;
  const char* fate =
      action == Action::close ? ", comes back closed by the other side" : ", left out by policy";
  out.note = c.image.blob(std::string(hint.what) + fate);
  return {};
}

/// Under `close` and `ignore` nobody asks.
const char* validate(const image::View&, const model::OpenFile&) {
  return "it cannot be made again";
}

}  // namespace

constinit const Kind kRefused = {
    .name = "other",
    .policy = {.actions = kActions,
               .asked = PolicyUse::Asked::by_kind,
               .closed = {nullptr, open_dead_stream}},
    .match = THAW_CHECKPOINT(matches),
    .collect = THAW_CHECKPOINT(collect),
    .open = open_dead_stream,
    .validate = validate,
};

}  // namespace thaw::fd
