#include "exec/program.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "support/file.h"

namespace thaw::exec {
namespace {

constexpr int kCannotExecute = 126, kNotFound = 127;
constexpr const char* kDefaultPath = "/bin:/usr/bin";  // As execvp(3) without $PATH.

char* const* cold_argv = nullptr;

bool is_executable(const std::string& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) return false;
  if (!S_ISREG(status.st_mode)) {
    errno = EACCES;
    return false;
  }
  return access(path.c_str(), X_OK) == 0;
}

std::string absolute(const char* name) {
  if (name[0] == '/') return name;
  const std::string folder = current_folder();
  if (folder.empty()) return name;
  while (name[0] == '.' && name[1] == '/') name += 2;
  return folder + (folder == "/" ? "" : "/") + name;
}

}  // namespace

void set_cold_start(char* const* argv) {
  cold_argv = argv;
}

void start_cold_now() {
  if (cold_argv != nullptr) start_cold(cold_argv[0], cold_argv);
  _exit(kCannotExecute);
}

std::string find_program(const char* name) {
  if (*name == '\0') {
    errno = ENOENT;
    return {};
  }
  if (strchr(name, '/') != nullptr) return is_executable(name) ? absolute(name) : std::string();
  const char* path = getenv("PATH");
  if (path == nullptr) path = kDefaultPath;
  int problem = ENOENT;
  for (const char* part = path;; ++part) {
    const size_t size = strcspn(part, ":");
    const std::string candidate =
        (size == 0 ? std::string(".") : std::string(part, size)) + "/" + name;
    if (is_executable(candidate)) return absolute(candidate.c_str());
    if (errno == EACCES) problem = EACCES;
    part += size;
    if (*part == '\0') break;
  }
  errno = problem;
  return {};
}

void start_cold(const char* name, char* const* argv) {
  execvp(name, argv);
  const int problem = errno;
  fprintf(stderr, "thaw-exec: %s: %s\n", name, strerror(problem));
  _exit(problem == ENOENT || problem == ENOTDIR ? kNotFound : kCannotExecute);
}

}  // namespace thaw::exec
