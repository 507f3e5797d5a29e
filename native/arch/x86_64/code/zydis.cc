#include "arch/x86_64/code/zydis.h"

#include <dlfcn.h>

namespace thaw::arch {
namespace {

Zydis load() {
  Zydis zydis;
  void* library = dlopen("libZydis.so.4.0", RTLD_NOW | RTLD_LOCAL);  // Stays: others may come.
  if (library == nullptr) return zydis;
  auto find = [library](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
  };
  find(zydis.init, "ZydisDecoderInit");
  find(zydis.decode, "ZydisDecoderDecodeInstruction");
  find(zydis.decode_full, "ZydisDecoderDecodeFull");
  find(zydis.enclosing, "ZydisRegisterGetLargestEnclosing");
  return zydis;
}

}  // namespace

const Zydis& Zydis::functions() {
  static const Zydis zydis = load();
  return zydis;
}

bool Zydis::is_there() {
  const Zydis& zydis = functions();
  return zydis.init != nullptr && zydis.decode != nullptr && zydis.decode_full != nullptr &&
         zydis.enclosing != nullptr;
}

}  // namespace thaw::arch
