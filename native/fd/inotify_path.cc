#include "fd/inotify_path.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "support/file.h"

namespace thaw::fd {
namespace {

constexpr size_t kMaxEntries = 100'000;  ///< directory entries looked at per watch

struct Handle {
  file_handle head;
  unsigned char room[MAX_HANDLE_SZ];
};

class Search {
 public:
  Search(const Collector& c, const Probe& p, const WatchedInode& wanted)
      : c_(c), p_(p), wanted_(wanted) {}

  std::string run() {
    std::string path = by_handle();
    if (path.empty()) path = by_looking();
    return path;
  }

 private:
  /// Whether `path` is the watched inode: by file handle where there is one, else by device and
  /// number.
  [[nodiscard]] bool leads_to_it(const std::string& path) const {
    struct stat status = {};
    const char* name = path.c_str();
    if (lstat(name, &status) != 0 || status.st_ino != wanted_.ino) return false;
    if (status.st_dev == wanted_.dev) return true;
    Handle handle = {};
    handle.head.handle_bytes = MAX_HANDLE_SZ;
    int mount = 0;
    return !wanted_.handle.empty() &&
           name_to_handle_at(AT_FDCWD, name, &handle.head, &mount, 0) == 0 &&
           handle.head.handle_type == wanted_.handle_type &&
           std::string_view(reinterpret_cast<const char*>(handle.head.f_handle),
                            handle.head.handle_bytes) == wanted_.handle;
  }

  // ---- through the file handle

  std::string by_handle() {
    if (wanted_.handle.empty() || wanted_.handle.size() > MAX_HANDLE_SZ) return {};
    std::string found;
    const auto mounts = read_file("/proc/" + std::to_string(p_.pid) + "/mountinfo");
    if (!mounts) return {};
    each_line(mounts.value(), "", [&](std::string_view line) {
      const std::string path = through_mount(line);
      if (!path.empty() && leads_to_it(path)) found = path;
      return found.empty();
    });
    return found;
  }

  /// A line of mountinfo: "36 35 98:0 /root /mount/point options ...".
  std::string through_mount(std::string_view line) const {
    const auto fields = split(line, " ");
    if (fields.size() < 5) return {};
    const auto device = split(fields[2], ":");
    if (device.size() != 2 || makedev(number(device[0]), number(device[1])) != wanted_.dev)
      return {};
    const std::string point = unescape(fields[4]);
    // The kernel wants a real descriptor of the mount: O_PATH will not do. A device node or FIFO
    // must not be opened.
    const UniqueFd mount(open(point.c_str(), O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC));
    Handle handle = {};
    handle.head.handle_bytes = static_cast<unsigned>(wanted_.handle.size());
    handle.head.handle_type = wanted_.handle_type;
    memcpy(handle.head.f_handle, wanted_.handle.data(), wanted_.handle.size());
    const UniqueFd inode(
        mount.valid() ? open_by_handle_at(mount.get(), &handle.head, O_PATH | O_CLOEXEC) : -1);
    return inode.valid() ? link_target("/proc/self/fd/" + std::to_string(inode.get()))
                         : std::string();
  }

  /// mountinfo writes blanks and backslashes as \ooo.
  static std::string unescape(std::string_view text) {
    std::string plain;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\\' && i + 3 < text.size()) {
        plain += static_cast<char>(number(text.substr(i + 1, 3), 8));
        i += 3;
      } else {
        plain += text[i];
      }
    }
    return plain;
  }

  // ---- by looking around

  std::string by_looking() {
    add_starting_points();
    // The folders grow while they are searched: nearest first, then what is below them.
    for (size_t i = 0; i < folders_.size(); ++i) {
      if (leads_to_it(folders_[i])) return folders_[i];
      std::string found = look_into(std::string(folders_[i]));
      if (!found.empty()) return found;
    }
    return {};
  }

  void add_starting_points() {
    for (const policy::Policy& row : c_.policies.rows)
      if (row.type == policy::Type::inotify && row.path.starts_with('/'))
        add_with_parents(row.path);
    const std::string process = "/proc/" + std::to_string(p_.pid);
    add_with_parents(link_target(process + "/cwd"));
    for (const Probe& q : c_.probes)
      if (q.pid == p_.pid && q.link.starts_with('/')) add_with_parents(q.link);
    add_arguments(process);
    add_with_parents(link_target(process + "/exe"));
    for (const char* usual : {"/etc", "/tmp", "/run", "/dev", "/var", "/home"}) add(usual);
  }

  /// What the app was told to work with ("/path", "--folder=/path").
  void add_arguments(const std::string& process) {
    const auto command = read_file(process + "/cmdline");
    if (!command) return;
    for (const std::string_view argument : split(command.value(), std::string_view("\0", 1))) {
      const size_t at = argument.find('/');
      if (at == 0 || (at != argument.npos && argument[at - 1] == '='))
        add_with_parents(std::string(argument.substr(at)));
    }
  }

  void add_with_parents(std::string path) {
    while (path.size() > 1 && path[0] == '/') {
      add(path);
      path.resize(path.rfind('/'));
    }
    add("/");
  }

  void add(const std::string& path) {
    if (std::find(folders_.begin(), folders_.end(), path) == folders_.end())
      folders_.push_back(path);
  }

  std::string look_into(const std::string& folder) {
    if (folder == "/proc" || folder == "/sys" || entries_ >= kMaxEntries) return {};
    const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(fd < 0 ? nullptr : fdopendir(fd), closedir);
    const std::string prefix = folder == "/" ? folder : folder + "/";
    while (const dirent* entry = dir ? readdir(dir.get()) : nullptr) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == ".." || ++entries_ > kMaxEntries) continue;
      const std::string path = prefix + entry->d_name;
      // A mount point's own entry has another number: folders are looked at when their turn comes.
      if (entry->d_type == DT_DIR)
        folders_.push_back(path);
      else if (entry->d_ino == wanted_.ino && leads_to_it(path))
        return path;
    }
    return {};
  }

  static std::string link_target(const std::string& path) {
    auto target = read_link(path);
    return target ? target.take() : std::string();
  }

  const Collector& c_;
  const Probe& p_;
  const WatchedInode& wanted_;
  std::vector<std::string> folders_;
  size_t entries_ = 0;
};

}  // namespace

std::string find_watched_path(const Collector& c, const Probe& p, const WatchedInode& wanted) {
  return Search(c, p, wanted).run();
}

}  // namespace thaw::fd
