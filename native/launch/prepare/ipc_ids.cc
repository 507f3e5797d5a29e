#include "launch/prepare/ipc_ids.h"

#include <algorithm>
#include <string>

#include "support/file.h"

namespace thaw::launch {

int ipc_key(const image::View& view, const model::Object& object) {
  const std::string_view text = view.bytes(object.name);  // "0x0052e2c1"
  return static_cast<int>(number(text.substr(std::min<size_t>(text.size(), 2)), 16));
}

bool ask_for_id(std::string_view kind, int id) {
  const std::string path = "/proc/sys/kernel/" + std::string(kind) + "_next_id";
  return write_file(path.c_str(), std::to_string(id));
}

}  // namespace thaw::launch
