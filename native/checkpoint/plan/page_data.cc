#include "checkpoint/plan/page_data.h"

#include <utility>

#include "checkpoint/span.h"

namespace thaw::checkpoint {

uint64_t PageData::reserve(uint64_t size) {
  const uint64_t place = end_;
  end_ += round_up(size, page_size_);
  return place;
}

void PageData::add(Piece piece) {
  stored_ += piece.size;
  pieces_.push_back(std::move(piece));
}

}  // namespace thaw::checkpoint
