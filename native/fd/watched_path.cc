#include "fd/watched_path.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "image/mounts.h"
#include "support/file.h"

namespace thaw::fd {
namespace {

/// Names looked at below and above the folders that the app works in, each; and in these themselves,
/// of which even a large one is worth it.
constexpr size_t kMostAround = 100'000, kMostInOwn = 2'000'000;

using Folders = std::vector<std::string>;

struct Handle {
  file_handle head;
  unsigned char room[MAX_HANDLE_SZ];
};

std::string bytes_of_hex(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2)
    bytes += static_cast<char>(number(text.substr(i, 2), 16));
  return bytes;
}

class Search {
 public:
  Search(const Collector& c, const Probe& p, const std::vector<WatchedInode>& wanted)
      : c_(c), p_(p), wanted_(wanted), found_(wanted.size()) {}

  std::vector<std::string> run() {
    for (size_t i = 0; i < wanted_.size(); ++i) {
      found_[i] = by_handle(wanted_[i]);
      if (found_[i].empty()) missing_.emplace(wanted_[i].ino, i);
    }
    if (!missing_.empty()) by_looking();
    return std::move(found_);
  }

 private:
  /// Whether `path`, with this status, is the watched inode: by file handle where there is one, else
  /// by device and number.
  static bool is_inode(const std::string& path, const struct stat& status,
                       const WatchedInode& wanted) {
    if (status.st_ino != wanted.ino) return false;
    if (status.st_dev == wanted.dev) return true;
    Handle handle = {};
    handle.head.handle_bytes = MAX_HANDLE_SZ;
    int mount = 0;
    return !wanted.handle.empty() &&
           name_to_handle_at(AT_FDCWD, path.c_str(), &handle.head, &mount, 0) == 0 &&
           handle.head.handle_type == wanted.handle_type &&
           std::string_view(reinterpret_cast<const char*>(handle.head.f_handle),
                            handle.head.handle_bytes) == wanted.handle;
  }

  static bool leads_to(const std::string& path, const WatchedInode& wanted) {
    struct stat status = {};
    return lstat(path.c_str(), &status) == 0 && is_inode(path, status, wanted);
  }

  void look_at(const std::string& path) {
    struct stat status = {};
    if (missing_.empty() || lstat(path.c_str(), &status) != 0) return;
    const auto [first, end] = missing_.equal_range(status.st_ino);
    for (auto at = first; at != end;) {
      const size_t i = at->second;
      if (!is_inode(path, status, wanted_[i])) {
        ++at;
        continue;
      }
      found_[i] = path;
      at = missing_.erase(at);
    }
  }

  // ---- through the file handle

  [[nodiscard]] std::string by_handle(const WatchedInode& wanted) const {
    if (wanted.handle.empty() || wanted.handle.size() > MAX_HANDLE_SZ) return {};
    std::string found;
    const auto mounts = read_file("/proc/" + std::to_string(p_.pid) + "/mountinfo");
    if (!mounts) return {};
    each_line(mounts.value(), "", [&](std::string_view line) {
      const std::string path = through_mount(line, wanted);
      if (!path.empty() && leads_to(path, wanted)) found = path;
      return found.empty();
    });
    return found;
  }

  static std::string through_mount(std::string_view line, const WatchedInode& wanted) {
    const image::Mount known = image::parse_mount(line);
    if (known.point.empty() || known.device != wanted.dev) return {};
    // The kernel wants a real descriptor of the mount: O_PATH will not do. A device node or FIFO
    // must not be opened.
    const UniqueFd mount(open(image::plain_path(known.point).c_str(),
                              O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC));
    Handle handle = {};
    handle.head.handle_bytes = static_cast<unsigned>(wanted.handle.size());
    handle.head.handle_type = wanted.handle_type;
    memcpy(handle.head.f_handle, wanted.handle.data(), wanted.handle.size());
    const UniqueFd inode(
        mount.valid() ? open_by_handle_at(mount.get(), &handle.head, O_PATH | O_CLOEXEC) : -1);
    return inode.valid() ? link_target("/proc/self/fd/" + std::to_string(inode.get()))
                         : std::string();
  }

  // ---- by looking around

  void by_looking() {
    const Folders own = own_folders();
    for (const std::string& path : own) look_at(path);
    const Folders above = folders_above(own);
    size_t budget = kMostInOwn;
    Folders below, beside;
    for (const std::string& folder : own) look_into(folder, below, budget);
    budget = kMostAround;
    for (const std::string& folder : above) {
      look_at(folder);
      look_into(folder, beside, budget);
    }
    search(std::move(below));
    search(std::move(beside));
  }

  /// Looks into these folders and, breadth first, all below them.
  void search(Folders folders) {
    size_t budget = kMostAround;
    // They grow while they are searched. A mount point's name has another number in its folder: it
    // is looked at itself.
    for (size_t i = 0; i < folders.size() && !missing_.empty(); ++i) {
      const std::string folder = folders[i];
      look_at(folder);
      look_into(folder, folders, budget);
    }
  }

  /// What the app is known to have to do with, nearest first, files among it.
  Folders own_folders() {
    Folders own;
    for (const policy::Policy& row : c_.policies.rows)
      if (row.type == policy::Type::inotify) add(own, row.path);
    if (c_.seen != nullptr)
      for (const std::string& path : c_.seen->watched_paths) {
        add(own, path);
        add(own, real_path(path));
      }
    const std::string process = "/proc/" + std::to_string(p_.pid);
    add_arguments(process, own);
    add(own, link_target(process + "/cwd"));
    for (const Probe& q : c_.probes)
      if (q.pid == p_.pid) add_with_folder(own, q.link);
    add_with_folder(own, link_target(process + "/exe"));
    return own;
  }

  /// The deepest first, and at last those where much is watched.
  Folders folders_above(const Folders& own) {
    Folders above;
    for (std::string path : own)
      while (path.size() > 1) {
        path.resize(path.rfind('/'));
        add(above, path.empty() ? "/" : path);
      }
    std::stable_sort(above.begin(), above.end(), [](const std::string& a, const std::string& b) {
      return std::count(a.begin(), a.end(), '/') > std::count(b.begin(), b.end(), '/');
    });
    for (const char* usual : {"/etc", "/tmp", "/run", "/dev", "/var", "/home"}) add(above, usual);
    return above;
  }

  /// What the app was told to work with ("/path", "--folder=/path").
  void add_arguments(const std::string& process, Folders& own) {
    const auto command = read_file(process + "/cmdline");
    if (!command) return;
    for (const std::string_view argument : split(command.value(), std::string_view("\0", 1))) {
      const size_t at = argument.find('/');
      if (at == 0 || (at != argument.npos && argument[at - 1] == '='))
        add_with_folder(own, std::string(argument.substr(at)));
    }
  }

  void add_with_folder(Folders& folders, const std::string& path) {
    add(folders, path);
    if (const size_t slash = path.rfind('/'); slash != path.npos && slash != 0)
      add(folders, path.substr(0, slash));
  }

  void add(Folders& folders, const std::string& path) {
    if (path.starts_with('/') && looked_.insert(path).second) folders.push_back(path);
  }

  /// Folders in it go to `folders`.
  void look_into(const std::string& folder, Folders& folders, size_t& budget) {
    if (folder == "/proc" || folder == "/sys" || missing_.empty()) return;
    const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(fd < 0 ? nullptr : fdopendir(fd), closedir);
    const std::string prefix = folder == "/" ? folder : folder + "/";
    for (const dirent* entry; budget != 0 && dir && (entry = readdir(dir.get())) != nullptr;) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      --budget;
      if (entry->d_type == DT_DIR) add(folders, prefix + entry->d_name);
      if (missing_.contains(entry->d_ino)) look_at(prefix + entry->d_name);
    }
  }

  static std::string link_target(const std::string& path) {
    auto target = read_link(path);
    return target ? target.take() : std::string();
  }

  const Collector& c_;
  const Probe& p_;
  const std::vector<WatchedInode>& wanted_;
  std::vector<std::string> found_;
  /// Indices of what has not been found, by number: a file system may show another device.
  std::unordered_multimap<uint64_t, size_t> missing_;
  std::unordered_set<std::string> looked_;  ///< all that have been put on a list
};

}  // namespace

uint64_t device_of(std::string_view sdev) {
  const uint64_t device = number(sdev, 16);
  return makedev(device >> 20, device & 0xfffff);
}

WatchedInode watched_inode(std::string_view line) {
  WatchedInode inode;
  inode.ino = number(line_field(line, "ino:"), 16);
  inode.dev = device_of(line_field(line, "sdev:"));
  inode.handle_type = static_cast<int>(number(line_field(line, "fhandle-type:"), 16));
  inode.handle = bytes_of_hex(line_field(line, "f_handle:"));
  inode.handle.resize(
      std::min<size_t>(inode.handle.size(), number(line_field(line, "fhandle-bytes:"), 16)));
  return inode;
}

std::string mount_point(pid_t pid, const std::function<bool(uint64_t, uint64_t)>& is_it) {
  std::string found;
  const auto mounts = read_file("/proc/" + std::to_string(pid) + "/mountinfo");
  if (!mounts) return {};
  each_line(mounts.value(), "", [&](std::string_view line) {
    const image::Mount mount = image::parse_mount(line);
    if (is_it(mount.id, mount.device)) found = image::plain_path(mount.point);
    return found.empty();
  });
  return found;
}

std::vector<std::string> find_watched_paths(const Collector& c, const Probe& p,
                                            const std::vector<WatchedInode>& wanted) {
  return Search(c, p, wanted).run();
}

}  // namespace thaw::fd
