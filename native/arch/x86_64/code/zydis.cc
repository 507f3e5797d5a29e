#include "arch/x86_64/code/zydis.h"

#include <dlfcn.h>

namespace thaw::arch {
namespace {

template <typename Function>
void find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
}

Zydis load() {
  Zydis zydis;
  void* library = dlopen("libZydis.so.4.0", RTLD_NOW | RTLD_LOCAL);  // Stays: others may come.
  if (library == nullptr) return zydis;
  find(library, "ZydisDecoderInit", zydis.init);
  find(library, "ZydisDecoderDecodeInstruction", zydis.decode);
  find(library, "ZydisDecoderDecodeFull", zydis.decode_full);
  find(library, "ZydisRegisterGetLargestEnclosing", zydis.enclosing);
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
