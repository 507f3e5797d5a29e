#include "exec/store.h"

#include <sys/auxv.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "image/hash.h"

namespace thaw::exec {
namespace {

constexpr const char* kSystemStore = "/var/lib/thaw";

/// The environment is not to be trusted in a set-user-id program.
const char* environment(const char* name) {
  const char* value = getauxval(AT_SECURE) != 0 ? nullptr : getenv(name);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

std::string user_store() {
  if (geteuid() == 0) return {};
  if (const char* state = environment("XDG_STATE_HOME")) return std::string(state) + "/thaw";
  if (const char* home = environment("HOME")) return std::string(home) + "/.local/state/thaw";
  return {};
}

std::string image_in(const std::string& store, const std::string& entry) {
  if (store.empty()) return {};
  std::string path = store + entry;
  // Any answer but "not there" is for the launch to explain.
  if (access(path.c_str(), F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR)) return {};
  return path;
}

std::string key_of(const std::string& text) {
  char key[17];
  snprintf(key, sizeof(key), "%016llx",
           static_cast<unsigned long long>(image::hash(text.data(), text.size())));
  return key;
}

/// The first store that has the entry.
std::string find_entry(const char* store, const std::string& entry) {
  if (store == nullptr) store = environment("THAW_STORE");
  if (store != nullptr) return image_in(store, entry);
  std::string path = image_in(user_store(), entry);
  return path.empty() ? image_in(kSystemStore, entry) : path;
}

}  // namespace

std::string launch_key(const char* program, char* const* argv) {
  std::string text = std::string(program) + '\0';
  for (char* const* argument = *argv == nullptr ? argv : argv + 1; *argument != nullptr; ++argument)
    text += std::string(*argument) + '\0';
  return key_of(text);
}

std::string any_arguments_key(const char* program) {
  return key_of(program);
}

std::string find_image(const char* store, const char* profile, const char* program,
                       char* const* argv) {
  if (profile != nullptr)
    return find_entry(store, std::string("/profiles/") + profile + "/current.thaw");
  std::string path = find_entry(store, "/index/" + launch_key(program, argv));
  return path.empty() ? find_entry(store, "/index/" + any_arguments_key(program)) : path;
}

}  // namespace thaw::exec
