#include "fd/probe.h"

#include <sys/vfs.h>

#include <algorithm>

#include "support/file.h"

namespace thaw::fd {

std::string describe(const Probe& probe) {
  if (probe.number < 0) return "a descriptor in a message (SCM_RIGHTS; " + probe.link + ")";
  return "descriptor " + std::to_string(probe.number) + " (" + probe.link + ")";
}

Error refuse(const Probe& probe, std::string_view why, std::string_view remedy) {
  std::string message = describe(probe);
  message += ' ';
  message += why;
  return Error{0, std::move(message), std::string(remedy)};
}

bool is_message_queue(const Probe& probe) {
  constexpr uint32_t kMagic = 0x19800202;  // MQUEUE_MAGIC of the kernel's ipc/mqueue.c
  struct statfs fs = {};
  return S_ISREG(probe.status.st_mode) && fstatfs(probe.copy.get(), &fs) == 0 &&
         static_cast<uint32_t>(fs.f_type) == kMagic;
}

std::string_view fdinfo_value(const Probe& probe, std::string_view key) {
  return line_value(probe.fdinfo, std::string(key) + ':');
}

std::string fresh_fdinfo(const Probe& p) {
  auto text = read_file("/proc/self/fdinfo/" + std::to_string(p.copy.get()));
  return text ? text.take() : p.fdinfo;
}

std::string_view line_field(std::string_view line, std::string_view key) {
  for (size_t at = 0; (at = line.find(key, at)) != std::string_view::npos; at += key.size()) {
    // "mask:" must not be found within "ignored_mask:".
    if (at != 0 && line[at - 1] != ' ' && line[at - 1] != '\t') continue;
    std::string_view value = line.substr(at + key.size());
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    return value.substr(0, value.find(' '));
  }
  return {};
}

}  // namespace thaw::fd
