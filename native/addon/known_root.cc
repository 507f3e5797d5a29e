// knownRoot(name): what a file or folder is as a root identity, here and now: {kind, whyNot, content}.
#include "addon/addon.h"
#include "inputs/inputs.h"

namespace thaw::addon {
namespace {

/// In the order of image::RootKind.
constexpr const char* kKinds[] = {
    "a file system that nobody can write to",
    "dm-verity",
    "a read-only device, on which writes are counted",
    "an ostree deployment",
};

}  // namespace

Napi::Value known_root(const Napi::CallbackInfo& info) {
  const inputs::RootKnown known = inputs::known_root(info[0].ToString());
  Napi::Object o = Napi::Object::New(info.Env());
  o.Set("kind", known.why_not.empty() ? kKinds[static_cast<size_t>(known.kind)] : "");
  o.Set("whyNot", known.why_not);
  o.Set("content", known.why_not.empty() ? to_hex(known.content) : "");
  return o;
}

}  // namespace thaw::addon
