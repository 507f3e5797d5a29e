#include "support/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <climits>
#include <memory>

#include "support/unique_fd.h"

namespace thaw {

Result<std::string> read_file(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return errno_error("cannot open " + path);
  auto text = read_all(fd.get());
  if (!text) return Error{text.error().err, "cannot read " + path};
  return text;
}

bool write_file(const char* path, std::string_view text) {
  const UniqueFd fd(open(path, O_WRONLY | O_CLOEXEC));
  return fd.valid() &&
         write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

Result<std::string> read_all(int fd) {
  std::string text;
  char buffer[16384];
  for (;;) {
    const ssize_t count = read(fd, buffer, sizeof(buffer));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error("cannot read a file");
    if (count == 0) return text;
    text.append(buffer, static_cast<size_t>(count));
  }
}

Result<std::string> read_link(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t size = readlink(path.c_str(), target, sizeof(target));
  if (size < 0) return errno_error("cannot read the link " + path);
  return std::string(target, static_cast<size_t>(size));
}

std::string current_folder() {
  // Not getcwd(2): a filter of system calls may kill for it. Of a removed folder, and of one outside
  // of the root, the link tells a name that leads elsewhere.
  auto path = read_link("/proc/self/cwd");
  struct stat named = {}, current = {};
  if (!path || stat(path.value().c_str(), &named) != 0 || stat(".", &current) != 0 ||
      named.st_dev != current.st_dev || named.st_ino != current.st_ino)
    return {};
  return path.value();
}

std::string real_path(const std::string& path) {
  char* resolved = realpath(path.c_str(), nullptr);
  std::string result = resolved == nullptr ? "" : resolved;
  free(resolved);
  return result;
}

Result<std::vector<int>> numeric_entries(const std::string& path) {
  std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(path.c_str()), closedir);
  if (folder == nullptr) return errno_error("cannot list " + path);
  std::vector<int> numbers;
  while (const dirent* entry = readdir(folder.get()))
    if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9')
      numbers.push_back(static_cast<int>(number(entry->d_name)));
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

std::string_view line_value(std::string_view text, std::string_view key) {
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    const std::string_view line = text.substr(start, end - start);
    if (line.starts_with(key)) return trim(line.substr(key.size()));
    start = end + 1;
  }
  return {};
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  for (size_t start = text.find_first_not_of(separators); start != std::string_view::npos;) {
    const size_t end = std::min(text.find_first_of(separators, start), text.size());
    parts.push_back(text.substr(start, end - start));
    start = text.find_first_not_of(separators, end);
  }
  return parts;
}

std::vector<std::string_view> stat_fields(std::string_view stat) {
  return split(stat.substr(stat.rfind(')') + 1), " \n");
}

uint64_t number(std::string_view text, int base) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

AddressRange address_range(std::string_view line) {
  const size_t dash = line.find('-');
  return {number(line.substr(0, dash), 16),
          number(line.substr(dash + 1, line.find(' ') - dash - 1), 16)};
}

}  // namespace thaw
