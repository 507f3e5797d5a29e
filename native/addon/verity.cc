// enableVerity(path), measureVerity(path): fs-verity of an image.
#include "image/verity.h"

#include <fcntl.h>

#include "addon/addon.h"
#include "support/unique_fd.h"

namespace thaw::addon {
namespace {

UniqueFd open_file(const Napi::CallbackInfo& info) {
  const std::string path = info[0].ToString();
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) throw to_js(info.Env(), errno_error("cannot open " + path));
  return fd;
}

}  // namespace

/// False where the file system has no fs-verity.
Napi::Value enable_verity(const Napi::CallbackInfo& info) {
  const UniqueFd fd = open_file(info);
  auto enabled = image::enable_verity(fd.get());
  if (!enabled) throw to_js(info.Env(), enabled.error());
  return Napi::Boolean::New(info.Env(), enabled.value());
}

/// The digest in hexadecimal, or null where the kernel does not watch the file.
Napi::Value measure_verity(const Napi::CallbackInfo& info) {
  const auto digest = image::measure_verity(open_file(info).get());
  if (!digest) return info.Env().Null();
  std::string text;
  for (const uint8_t byte : *digest) {
    constexpr const char* kDigits = "0123456789abcdef";
    text += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return Napi::String::New(info.Env(), text);
}

}  // namespace thaw::addon
