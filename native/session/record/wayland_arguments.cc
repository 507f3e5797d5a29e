#include "session/record/wayland_arguments.h"

#include <algorithm>

#include "session/wayland/message.h"

namespace thaw::session::wayland {

bool read_arguments(std::string_view bytes, const Signature& signature, Arguments& out) {
  size_t at = 0;
  out.mask.assign(bytes.size(), '\xff');
  const auto word = [&](char letter) {
    if (at + 4 > bytes.size()) return false;
    out.all.push_back({letter, at, word_at(bytes, at), {}});
    if (letter == 'S' || letter == 'T') out.mask.replace(at, 4, 4, '\0');
    at += 4;
    return true;
  };
  const auto text = [&](char letter) {
    if (!word(letter)) return false;
    const size_t size = out.all.back().word;
    if (size > bytes.size() - at) return false;
    out.all.back().text = bytes.substr(at, letter == 's' && size > 0 ? size - 1 : size);
    at = std::min(bytes.size(), at + (size + 3) / 4 * 4);
    return true;
  };
  for (const char letter : signature.arguments) {
    if (letter == 'h') {
      out.all.push_back({letter, at, 0, {}});
    } else if (letter == 'N') {
      if (!text('s') || !word('u') || !word('N')) return false;
    } else if (!(letter == 's' || letter == 'a' ? text(letter) : word(letter))) {
      return false;
    }
  }
  return at == bytes.size();
}

}  // namespace thaw::session::wayland
