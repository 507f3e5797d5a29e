// The kinds' own records in an image, beyond the plain one of image::View::record().
#pragma once

#include <span>
#include <string>
#include <vector>

#include "image/builder.h"
#include "image/view.h"

namespace thaw::fd {

/// True if `blob` lies within the image's blobs.
bool valid_blob(const image::View&, model::Blob);

/// True if `blob` lies within the image's blobs and can be given to the kernel as a string.
bool valid_string(const image::View&, model::Blob);

/// A payload of one head record and rows behind it.
template <typename Head, typename Row>
model::Blob head_and_rows(image::Builder& image, const Head& head, const std::vector<Row>& rows) {
  static_assert(sizeof(Head) % alignof(Row) == 0);
  std::string bytes(reinterpret_cast<const char*>(&head), sizeof(head));
  bytes.append(reinterpret_cast<const char*>(rows.data()), rows.size() * sizeof(Row));
  return image.blob(bytes);
}

/// `head` is null where the payload's size does not fit.
template <typename Head, typename Row>
struct HeadAndRows {
  const Head* head = nullptr;
  std::span<const Row> rows;

  HeadAndRows(const image::View& view, model::Blob payload) {
    if (payload.size < sizeof(Head) || (payload.size - sizeof(Head)) % sizeof(Row) != 0) return;
    const char* bytes = view.bytes(payload).data();
    head = reinterpret_cast<const Head*>(bytes);
    rows = {reinterpret_cast<const Row*>(bytes + sizeof(Head)),
            static_cast<size_t>((payload.size - sizeof(Head)) / sizeof(Row))};
  }
};

}  // namespace thaw::fd
