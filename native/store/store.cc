#include "store/store.h"

#include <fcntl.h>
#include <sys/auxv.h>
#include <unistd.h>

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

/// The first store that has the entry.
std::string find_entry(const char* store, const std::string& entry) {
  if (store == nullptr) store = environment("THAW_STORE");
  if (store != nullptr) return entry_in(store, entry);
  const std::string own = own_store();
  std::string path = entry_in(own, entry);
  return path.empty() && own != kSystemStore ? entry_in(kSystemStore, entry) : path;
}

std::string key_of(const std::string& text) {
  char key[17];
  snprintf(key, sizeof(key), "%016llx",
           static_cast<unsigned long long>(image::hash(text.data(), text.size())));
  return key;
}

}  // namespace

std::string own_store() {
  if (const char* store = environment("THAW_STORE")) return store;
  if (geteuid() == 0) return kSystemStore;
  if (const char* state = environment("XDG_STATE_HOME")) return joined(state, "thaw");
  if (const char* home = environment("HOME")) return joined(home, ".local/state/thaw");
  return kSystemStore;
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

std::string find_image(const char* store, const char* profile, const Launch& launch) {
  if (profile != nullptr) return find_entry(store, joined(joined(kProfiles, profile), kCurrent));
  const Launch wider[] = {launch,
                          {launch.program, launch.argv, {}},
                          {launch.program, nullptr, launch.folder},
                          {launch.program, nullptr, {}}};
  for (const Launch& one : wider)
    if (std::string path = find_entry(store, joined(kIndex, launch_key(one))); !path.empty())
      return path;
  return {};
}

void ask_for_rebuild(const std::string& image, const std::string& reason) {
  char path[PATH_MAX];
  if (realpath(image.c_str(), path) == nullptr) return;
  const std::string real = path;
  const std::string request = joined(real.substr(0, real.rfind('/')), kRebuild);
  // Never what is there already, nor where a planted link leads.
  const UniqueFd fd(
      open(request.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (fd.valid()) (void)!write(fd.get(), reason.data(), reason.size());
}

}  // namespace thaw::store
