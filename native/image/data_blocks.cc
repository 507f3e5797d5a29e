#include "image/data_blocks.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <utility>

#include "image/hash.h"

namespace thaw::image {
namespace {

XXH3_state_t* xxh(void* state) {
  return static_cast<XXH3_state_t*>(state);
}

}  // namespace

DataBlocks::DataBlocks() : state_(XXH3_createState()) {}

DataBlocks::~DataBlocks() {
  XXH3_freeState(xxh(state_));
}

void DataBlocks::add(uint64_t offset, const void* page, size_t page_size) {
  if (all_zero(page, page_size)) return;
  const uint64_t block = offset / model::DataBlock::kSize * model::DataBlock::kSize;
  if (block != block_) end_block();
  if (empty_) XXH3_64bits_reset(xxh(state_));
  block_ = block;
  empty_ = false;
  XXH3_64bits_update(xxh(state_), &offset, sizeof(offset));
  XXH3_64bits_update(xxh(state_), page, page_size);
}

void DataBlocks::end_block() {
  if (!std::exchange(empty_, true)) blocks_.push_back({block_, XXH3_64bits_digest(xxh(state_))});
}

std::vector<model::DataBlock> DataBlocks::take() {
  end_block();
  return std::exchange(blocks_, {});
}

}  // namespace thaw::image
