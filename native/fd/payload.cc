#include "fd/payload.h"

namespace thaw::fd {

bool valid_blob(const image::View& view, model::Blob blob) {
  const auto blobs = view.blobs();
  return blob.offset <= blobs.size() && blob.size < blobs.size() - blob.offset &&
         blobs[static_cast<size_t>(blob.offset + blob.size)] == '\0';
}

bool valid_string(const image::View& view, model::Blob blob) {
  return valid_blob(view, blob) && view.bytes(blob).find('\0') == std::string_view::npos;
}

}  // namespace thaw::fd
