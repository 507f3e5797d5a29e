// findBytes(pid, hex): where these bytes stand in the memory of a process, as hexadecimal addresses.
#include "proc/find_bytes.h"

#include "addon/addon.h"

namespace thaw::addon {
namespace {

std::string from_hex(const std::string& text) {
  std::string bytes;
  for (size_t i = 0; i + 2 <= text.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16)));
  return bytes;
}

}  // namespace

Napi::Value find_bytes(const Napi::CallbackInfo& info) {
  const auto found =
      proc::find_bytes(info[0].ToNumber().Int32Value(), from_hex(info[1].ToString()));
  if (!found) throw to_js(info.Env(), found.error());
  Napi::Array addresses = Napi::Array::New(info.Env());
  for (const uint64_t address : found.value()) addresses.Set(addresses.Length(), to_hex(address));
  return addresses;
}

}  // namespace thaw::addon
