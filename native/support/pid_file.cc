#include "support/pid_file.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <string>

#include "support/file.h"
#include "support/unique_fd.h"

namespace thaw {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kBlanks = " \t\r\n";

}  // namespace

std::optional<std::string_view> behind_pid(std::string_view content, pid_t pid) {
  content.remove_prefix(std::min(content.find_first_not_of(kBlanks), content.size()));
  const size_t digits = std::min(content.find_first_not_of(kDigits), content.size());
  if (content.substr(0, digits) != std::to_string(pid)) return {};
  content.remove_prefix(digits);
  if (!content.empty() && kBlanks.find(content.front()) == std::string_view::npos) return {};
  return content;
}

pid_t living_process_in(std::string_view path) {
  char text[24] = {};
  const UniqueFd fd(open(std::string(path).c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  const ssize_t size = fd.valid() ? read(fd.get(), text, sizeof(text) - 1) : 0;
  const std::string_view content(text, size > 0 ? static_cast<size_t>(size) : 0);
  const auto words = split(content, kBlanks);
  const uint64_t named = words.empty() ? 0 : number(words.front());
  if (named <= 1 || named > INT_MAX) return 0;
  const auto pid = static_cast<pid_t>(named);
  if (pid == getpid() || pid == getppid()) return 0;
  return kill(pid, 0) == 0 || errno == EPERM ? pid : 0;
}

}  // namespace thaw
