#include "inputs/tracee.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <climits>
#include <cstring>

#include "support/file.h"

namespace thaw::inputs {

std::string link_of(pid_t tid, const std::string& entry) {
  auto target = read_link("/proc/" + std::to_string(tid) + '/' + entry);
  return target ? target.take() : std::string();
}

std::string link_of_fd(pid_t tid, int fd) {
  return link_of(tid, "fd/" + std::to_string(fd));
}

size_t copy(pid_t tid, uint64_t address, void* to, size_t size) {
  size_t done = 0;
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  while (done < size) {
    // Up to the end of a page: the next one may not be there.
    const uint64_t from = address + done;
    const size_t part = std::min<uint64_t>(size - done, page - from % page);
    iovec own = {static_cast<char*>(to) + done, part};
    iovec its = {reinterpret_cast<void*>(static_cast<uintptr_t>(from)), part};
    const ssize_t got = process_vm_readv(tid, &own, 1, &its, 1, 0);
    if (got <= 0) break;
    done += static_cast<size_t>(got);
    if (memchr(own.iov_base, '\0', static_cast<size_t>(got)) != nullptr) break;
  }
  return done;
}

std::string text_at(pid_t tid, uint64_t address) {
  char text[PATH_MAX];
  const size_t size = copy(tid, address, text, sizeof(text));
  const size_t length = strnlen(text, size);
  return length == size ? std::string() : std::string(text, length);
}

std::string tidy(const std::string& path) {
  std::string result;
  for (const std::string_view part : split(path, "/"))
    if (part != ".") result.append("/").append(part);
  return result.empty() ? "/" : result;
}

std::string absolute_path(pid_t tid, int folder, const std::string& path) {
  if (path.empty()) return {};
  if (path[0] == '/') return tidy(path);
  const std::string base = folder == AT_FDCWD ? link_of(tid, "cwd") : link_of_fd(tid, folder);
  // What is no path (a pipe) or has none any more cannot be looked up after a launch either.
  if (base.empty() || base[0] != '/' || base.ends_with(" (deleted)")) return {};
  return tidy(base + '/' + path);
}

}  // namespace thaw::inputs
