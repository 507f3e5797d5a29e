#include "fd/payload.h"

namespace thaw::fd {

bool valid_string(const image::View& view, model::Blob blob) {
  const auto blobs = view.blobs();
  if (blob.offset > blobs.size() || blob.size >= blobs.size() - blob.offset) return false;
  return blobs[static_cast<size_t>(blob.offset + blob.size)] == '\0' &&
         view.bytes(blob).find('\0') == std::string_view::npos;
}

}  // namespace thaw::fd
