#include "fd/unix_name.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include <cstring>

namespace thaw::fd {
namespace {

constexpr mode_t kPermissions = 07777;

/// The path of a bound socket, always ended (sun_path need not be).
struct Path {
  char text[sizeof(sockaddr_un::sun_path) + 1] = {};
};

Path path_of(const SocketAddress& address) {
  Path path;
  const size_t before = sizeof(sa_family_t);
  if (address.size > before)
    std::memcpy(path.text, address.bytes + before,
                std::min<size_t>(address.size - before, sizeof(path.text) - 1));
  return path;
}

/// Opens the app's path as the app would see it.
UniqueFd open_as_app(pid_t pid, const char* path) {
  const std::string relative = "/proc/" + std::to_string(pid) + "/cwd/" + path;
  return UniqueFd(open(path[0] == '/' ? path : relative.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
}

/// File systems that stack (overlayfs, btrfs) show other device numbers to stat: believe a
/// difference only where the devices agree.
bool is_other_file(const struct stat& status, const UnixSocket& socket) {
  if (!S_ISSOCK(status.st_mode)) return true;
  const dev_t dev = makedev(socket.file_dev >> 20, socket.file_dev & 0xfffff);
  return dev == status.st_dev && socket.file_ino != static_cast<uint32_t>(status.st_ino);
}

/// Whether a socket file stands at the path with no socket behind it. Asked with a datagram socket:
/// a living listener answers EPROTOTYPE and never sees a connection.
bool is_stale(const SocketAddress& address, const Path& path) {
  struct stat status = {};
  if (lstat(path.text, &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
  UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto* name = reinterpret_cast<const sockaddr*>(address.bytes);
  return fd.valid() && connect(fd.get(), name, address.size) != 0 && errno == ECONNREFUSED;
}

/// Held while a stale file is replaced: two launches at once must not remove each other's new file.
UniqueFd lock_directory(Path path) {
  char* slash = std::strrchr(path.text, '/');
  const char* directory = slash == nullptr ? "." : slash == path.text ? "/" : path.text;
  if (slash != nullptr && slash != path.text) *slash = '\0';
  UniqueFd fd(open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.valid() && flock(fd.get(), LOCK_EX | LOCK_NB) != 0) fd.reset();
  return fd;
}

Result<void> replace_stale(int fd, const SocketRecord& record, const Path& path) {
  const Error in_use{
      EADDRINUSE, "cannot listen on " + address_text(record.local),
      "stop the process that has it, or give each instance its own file system view"};
  const UniqueFd lock = lock_directory(path);
  if (!lock.valid() || !is_stale(record.local, path)) return in_use;
  if (unlink(path.text) != 0)
    return errno_error(std::string("cannot remove the stale socket ") + path.text);
  return bind_socket(fd, record.local);
}

/// By the calls that all CPUs have: chmod(2) and lchown(2) are others on each for a filter.
Result<void> set_owner_and_mode(const Path& path, const UnixName& name) {
  struct stat status = {};
  if (lstat(path.text, &status) != 0) return errno_error(std::string("cannot stat ") + path.text);
  if ((status.st_uid != name.uid || status.st_gid != name.gid) &&
      fchownat(AT_FDCWD, path.text, name.uid, name.gid, AT_SYMLINK_NOFOLLOW) != 0)
    return errno_error(std::string("cannot give ") + path.text + " its owner");
  if ((status.st_mode & kPermissions) != name.mode &&
      fchmodat(AT_FDCWD, path.text, name.mode, 0) != 0)
    return errno_error(std::string("cannot set the mode of ") + path.text);
  return {};
}

Result<void> bind_file(int fd, const SocketRecord& record, const UnixName& name, const Path& path) {
  auto bound = bind_socket(fd, record.local);
  if (!bound && bound.error().err == EADDRINUSE) bound = replace_stale(fd, record, path);
  THAW_TRY(std::move(bound));
  auto set = set_owner_and_mode(path, name);
  if (!set) remove_socket_file(fd);
  return set;
}

}  // namespace

Result<UnixName> collect_unix_name(const Probe& probe, const SocketAddress& address,
                                   const UnixSocket& socket) {
  UnixName name;
  const Path path = path_of(address);
  if (!is_bound(address) || path.text[0] == '\0') return name;
  name.is_file = 1;
  name.descriptor_mode = probe.status.st_mode & kPermissions;
  struct stat status = {};
  const UniqueFd file = open_as_app(probe.pid, path.text);
  const bool found = file.valid();
  if (path.text[0] != '/') {
    // What bind(2) has made stands in the folder where the app was then.
    if (!found || fstat(file.get(), &status) != 0 || is_other_file(status, socket))
      return refuse(probe,
                    std::string("is bound to ") + path.text +
                        ", a relative path that does not lead to it from the app's folder",
                    "let the app bind an absolute path, or stay in the folder where it does");
  }
  if (!found && errno == ENOENT) {
    name.unlinked = 1;
    name.mode = 0600;
    return name;
  }
  if (!file.valid() || fstat(file.get(), &status) != 0) {
    const char* why = std::strerror(errno);
    return refuse(
        probe, std::string("is bound to ") + path.text + ", which cannot be opened (" + why + ")",
        "make the image as a user who may look at that path");
  }
  if (is_other_file(status, socket))
    return refuse(probe,
                  std::string("is bound to ") + path.text + ", where another file stands now",
                  "let only one process use that path, and an absolute one");
  name.mode = status.st_mode & kPermissions;
  name.uid = status.st_uid;
  name.gid = status.st_gid;
  return name;
}

Result<void> check_folder_of_name(const Opener& opener, const SocketRecord& record) {
  const Path path = path_of(record.local);
  if ((opener.process.flags & model::kCwdMoved) == 0 || !is_bound(record.local) ||
      path.text[0] == '\0' || path.text[0] == '/')
    return {};
  const std::string_view folder = opener.image.bytes(opener.process.cwd);
  struct stat apps = {};
  struct stat here = {};
  if (stat(folder.data(), &apps) == 0 && stat(".", &here) == 0 && apps.st_dev == here.st_dev &&
      apps.st_ino == here.st_ino)
    return {};
  return Error{0,
               std::string("the app has bound ") + path.text + ", a relative path, in " +
                   std::string(folder) + ", where the caller is not",
               "let the app bind an absolute path, or launch it there"};
}

Result<void> bind_unix(int fd, const SocketRecord& record, const UnixName& name) {
  if (name.is_file == 0) return bind_socket(fd, record.local);
  // The mode of the descriptor, less the umask, becomes the mode of the file: it is never more open
  // than it was.
  if (fchmod(fd, name.mode) != 0) return errno_error("cannot set the mode of a socket");
  THAW_TRY(name.unlinked != 0 ? bind_socket(fd, record.local)
                              : bind_file(fd, record, name, path_of(record.local)));
  if (fchmod(fd, name.descriptor_mode) == 0) return {};
  Error error = errno_error("cannot set the mode of a socket");
  remove_socket_file(fd);
  return error;
}

void remove_socket_file(int fd) {
  struct stat status = {};
  if (fstat(fd, &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  const SocketAddress address = local_address(fd);
  if (address.family() != AF_UNIX || !is_bound(address)) return;
  const Path path = path_of(address);
  if (path.text[0] != '\0' && lstat(path.text, &status) == 0 && S_ISSOCK(status.st_mode))
    unlink(path.text);
}

Result<void> finish_unix_name(const SocketRecord& record, const UnixName& name) {
  if (name.is_file == 0 || name.unlinked == 0) return {};
  const Path path = path_of(record.local);
  if (unlink(path.text) != 0) return errno_error(std::string("cannot remove ") + path.text);
  return {};
}

}  // namespace thaw::fd
