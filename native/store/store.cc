#include "store/store.h"

#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>

#include "image/hash.h"
#include "support/unique_fd.h"

namespace thaw::store {
namespace {

/// The environment is not to be trusted in a set-user-id program.
const char* environment(const char* name) {
  const char* value = getauxval(AT_SECURE) != 0 ? nullptr : getenv(name);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

std::string joined(const std::string& folder, const std::string& entry) {
  return folder + '/' + entry;
}

/// Empty if the store has no such entry.
std::string entry_in(const std::string& store, const std::string& entry) {
  if (store.empty()) return {};
  std::string path = joined(store, entry);
  // Any answer but "not there" is for the launch to explain.
  if (access(path.c_str(), F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR)) return {};
  return path;
}

std::string default_store() {
  if (geteuid() == 0) return kSystemStore;
  if (const char* state = environment("XDG_STATE_HOME")) return joined(state, "thaw");
  if (const char* home = environment("HOME")) return joined(home, ".local/state/thaw");
  return kSystemStore;
}

/// Those that a launch looks into.
std::vector<std::string> stores_of(const char* stores) {
  if (stores == nullptr) stores = environment("THAW_STORE");
  if (stores != nullptr) return split(stores);
  const std::string own = default_store();
  return own == kSystemStore ? std::vector{own} : std::vector<std::string>{own, kSystemStore};
}

/// In each store that has the entry.
std::vector<std::string> find_entries(const std::vector<std::string>& stores,
                                      const std::string& entry) {
  std::vector<std::string> paths;
  for (const std::string& store : stores)
    if (std::string path = entry_in(store, entry); !path.empty()) paths.push_back(std::move(path));
  return paths;
}

/// Somebody else could lead the caller's records elsewhere.
bool may_hold_records(const std::string& store) {
  struct stat status = {};
  if (stat(store.c_str(), &status) != 0) return errno == ENOENT;
  return S_ISDIR(status.st_mode) && (status.st_uid == 0 || status.st_uid == geteuid()) &&
         (status.st_mode & (S_IWGRP | S_IWOTH)) == 0 && !is_read_only(store);
}

std::string key_of(const std::string& text) {
  char key[17];
  snprintf(key, sizeof(key), "%016llx",
           static_cast<unsigned long long>(image::hash(text.data(), text.size())));
  return key;
}

bool is_mounted(const std::string& path, unsigned long flag) {
  struct statvfs system = {};
  return statvfs(path.c_str(), &system) == 0 && (system.f_flag & flag) != 0;
}

}  // namespace

std::string own_stores() {
  const char* stores = environment("THAW_STORE");
  return stores != nullptr ? stores : default_store();
}

bool is_read_only(const std::string& path) {
  return is_mounted(path, ST_RDONLY);
}

bool is_no_exec(const std::string& path) {
  return is_mounted(path, ST_NOEXEC);
}

std::vector<std::string> split(const std::string& stores) {
  std::vector<std::string> all;
  for (size_t at = 0; at <= stores.size();) {
    const size_t end = std::min(stores.find(':', at), stores.size());
    if (end > at) all.push_back(stores.substr(at, end - at));
    at = end + 1;
  }
  return all;
}

std::string launch_key(const Launch& launch) {
  std::string text;
  // No path of a program begins with an @.
  if (!launch.folder.empty()) text = '@' + launch.folder + '\0';
  text += launch.program;
  if (launch.argv == nullptr) return key_of(text);
  text += '\0';
  char* const* argument = *launch.argv == nullptr ? launch.argv : launch.argv + 1;
  for (; *argument != nullptr; ++argument) text += std::string(*argument) + '\0';
  return key_of(text);
}

std::vector<std::string> find_images(const char* stores, const char* profile,
                                     const Launch& launch) {
  const std::vector<std::string> all = stores_of(stores);
  if (profile != nullptr) return find_entries(all, joined(joined(kProfiles, profile), kCurrent));
  const Launch wider[] = {launch,
                          {launch.program, launch.argv, {}},
                          {launch.program, nullptr, launch.folder},
                          {launch.program, nullptr, {}}};
  for (const Launch& one : wider)
    if (auto paths = find_entries(all, joined(kIndex, launch_key(one))); !paths.empty())
      return paths;
  return {};
}

std::string records_folder(const std::string& folder, const char* stores) {
  if (!is_read_only(folder)) return folder;
  const size_t name = folder.rfind('/');
  if (name == std::string::npos || !folder.substr(0, name).ends_with(joined("", kProfiles)))
    return {};
  std::vector<std::string> all = split(stores != nullptr ? stores : own_stores());
  all.push_back(default_store());
  for (const std::string& store : all)
    if (may_hold_records(store)) return joined(store, kProfiles) + folder.substr(name);
  return {};
}

void make_records_folder(const std::string& folder) {
  // As the writer of a store makes them: launches of other users pass through root's.
  const mode_t passed = geteuid() == 0 ? 0711 : 0700;
  const size_t name = folder.rfind('/'), profiles = folder.rfind('/', name - 1);
  if (name == std::string::npos || profiles == std::string::npos) return;
  mkdir(folder.substr(0, profiles).c_str(), passed);
  mkdir(folder.substr(0, name).c_str(), passed);
  mkdir(folder.c_str(), 0700);
}

void ask_for_rebuild(const std::string& image, const char* stores, const std::string& reason) {
  char path[PATH_MAX];
  if (realpath(image.c_str(), path) == nullptr) return;
  const std::string real = path;
  const std::string beside = real.substr(0, real.rfind('/'));
  const std::string folder = records_folder(beside, stores);
  if (folder.empty()) return;
  if (folder != beside) make_records_folder(folder);
  // Never what is there already, nor where a planted link leads.
  const UniqueFd fd(open(joined(folder, kRebuild).c_str(),
                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (fd.valid()) (void)!write(fd.get(), reason.data(), reason.size());
}

}  // namespace thaw::store
