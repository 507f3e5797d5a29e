#include "store/deaths.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <climits>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "store/store.h"
#include "support/unique_fd.h"

namespace thaw::store {
namespace {

constexpr std::string_view kEnding = ".thaw";
constexpr std::string_view kSignal = "signal ", kStatus = "status ", kAside = "aside";
constexpr const char* kMemory = "/dev/shm";
/// A record grows by a line with each death until a launch is set aside: it never gets this long.
constexpr size_t kMostBytes = 4096;

std::optional<Death> parse_death(std::string_view line) {
  const bool by_signal = line.starts_with(kSignal);
  if (!by_signal && !line.starts_with(kStatus)) return std::nullopt;
  line.remove_prefix(kSignal.size());
  Death death = {by_signal, 0};
  const auto [end, problem] = std::from_chars(line.data(), line.data() + line.size(), death.number);
  if (problem != std::errc() || end != line.data() + line.size() || death.number <= 0)
    return std::nullopt;
  return death;
}

void take_line(Deaths& deaths, std::string_view line) {
  if (line == kAside) deaths.aside = true;
  const auto death = parse_death(line);
  if (!death) return;
  ++deaths.count;
  deaths.last = *death;
}

/// So that a name that was made or removed is still so after a power cut.
void sync_folder(const char* path) {
  char folder[PATH_MAX];
  const char* end = strrchr(path, '/');
  const auto size = static_cast<size_t>(end - path);
  if (end == nullptr || size >= sizeof(folder)) return;
  std::copy(path, end, folder);
  folder[size] = '\0';
  const UniqueFd fd(open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.valid()) fsync(fd.get());
}

/// There are none yet of an image that lies in a store that cannot be written to.
void make_folders(const char* path) {
  const std::string_view record = path;
  const std::string folder(record.substr(0, record.rfind('/')));
  if (access(folder.c_str(), F_OK) == 0 || errno != ENOENT) return;
  make_records_folder(folder.substr(0, folder.rfind('/')));
  mkdir(folder.c_str(), 0700);
}

/// By one write at the end: instances that die at the same time do not mix their lines.
void append(const char* path, std::string_view line) {
  const UniqueFd fd(
      open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
  struct stat status = {};
  if (!fd.valid() || fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
      static_cast<uint64_t>(status.st_size) > kMostBytes - sizeof(DeathText))
    return;
  char bytes[sizeof(DeathText) + 1];
  *std::copy(line.begin(), line.end(), bytes) = '\n';
  if (write(fd.get(), bytes, line.size() + 1) > 0) fsync(fd.get());
  if (status.st_size == 0) sync_folder(path);
}

}  // namespace

DeathText text_of(Death death) {
  DeathText text = {};
  snprintf(text.bytes, sizeof(text.bytes), "%s%d", (death.by_signal ? kSignal : kStatus).data(),
           death.number);
  return text;
}

std::string deaths_path(std::string_view image, const char* stores) {
  const size_t slash = image.rfind('/');
  if (slash == std::string_view::npos || !image.ends_with(kEnding)) return {};
  std::string path = records_folder(std::string(image.substr(0, slash)), stores);
  if (path.empty()) return path;
  path.append("/").append(kDeaths).append(image.substr(slash));
  path.resize(path.size() - kEnding.size());
  return path;
}

Deaths read_deaths(const char* path) {
  const UniqueFd fd(open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) return {};
  char bytes[kMostBytes];
  const ssize_t size = read(fd.get(), bytes, sizeof(bytes));
  Deaths deaths;
  for (std::string_view rest(bytes, static_cast<size_t>(std::max<ssize_t>(size, 0)));
       !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    take_line(deaths, rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return deaths;
}

void add_death(const char* path, Death death) {
  make_folders(path);
  append(path, text_of(death).bytes);
}

void set_aside(const char* path) {
  append(path, kAside);
}

void forget_deaths(const char* path) {
  if (unlink(path) == 0) sync_folder(path);
}

GoodPath good_path(const uint8_t (&id)[16]) {
  constexpr std::string_view kSign = kGoodSign;
  static_assert(kSign.size() + 2 * sizeof(id) < sizeof(GoodPath));
  GoodPath path = {};
  char* end = std::copy(kSign.begin(), kSign.end(), path.bytes);
  for (const uint8_t byte : id) {
    *end++ = "0123456789abcdef"[byte >> 4];
    *end++ = "0123456789abcdef"[byte & 15];
  }
  return path;
}

bool was_good(const GoodPath& path, int seconds) {
  struct stat status = {};
  if (lstat(path.bytes, &status) != 0 || !S_ISREG(status.st_mode) || status.st_uid != geteuid())
    return false;
  const time_t now = time(nullptr);
  return status.st_mtime <= now && now - status.st_mtime < seconds;
}

void note_good(const GoodPath& path) {
  struct statfs memory = {};
  if (statfs(kMemory, &memory) != 0) return;
  const auto type = static_cast<uint32_t>(memory.f_type);
  if (type != TMPFS_MAGIC && type != RAMFS_MAGIC) return;
  const UniqueFd fd(
      open(path.bytes, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
  if (fd.valid()) futimens(fd.get(), nullptr);
}

void forget_good(const GoodPath& path) {
  unlink(path.bytes);
}

}  // namespace thaw::store
