// The functions of libZydis that are used here. It is loaded when it is needed: an npm package of thaw
// has to install where it is missing.
#pragma once

#include <Zydis/Zydis.h>

namespace thaw::arch {

struct Zydis {
  decltype(&ZydisDecoderInit) init = nullptr;
  decltype(&ZydisDecoderDecodeInstruction) decode = nullptr;
  decltype(&ZydisDecoderDecodeFull) decode_full = nullptr;
  decltype(&ZydisRegisterGetLargestEnclosing) enclosing = nullptr;

  /// Whether it is there; `functions()` is of no use else.
  static bool is_there();
  static const Zydis& functions();
};

}  // namespace thaw::arch
