#include "checkpoint/plan/chance.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace thaw::checkpoint {
namespace {

constexpr uint64_t kLeastPage = 4096;

template <typename Word>
Word load(std::span<const uint8_t, kNeighbours> bytes, size_t at) {
  Word word;
  memcpy(&word, bytes.data() + at, sizeof(word));
  return word;
}

}  // namespace

uint64_t neighbours_of(uint64_t address) {
  const uint64_t page = address & ~(kLeastPage - 1);
  const uint64_t middle = (address & ~uint64_t{7}) - kNeighbours / 2;
  return std::clamp(middle, page, page + kLeastPage - kNeighbours);
}

bool stands_in_noise(std::span<const uint8_t, kNeighbours> bytes, size_t at) {
  // Of 124 random bytes, 6 and more are zero once in 90,000 times, and about 62 have the highest bit
  // set. Structures hold zeros (half of them, as a rule), and texts have that bit nearly nowhere, or
  // nearly everywhere.
  constexpr int kZeros = 6, kLeastHigh = 8, kMostHigh = 116;
  int zeros = 0, high = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i - at < sizeof(uint32_t)) continue;
    zeros += bytes[i] == 0 ? 1 : 0;
    high += bytes[i] >> 7;
  }
  return zeros < kZeros && high >= kLeastHigh && high <= kMostHigh;
}

bool stands_among_zeros(std::span<const uint8_t, kNeighbours> bytes, size_t at) {
  // Of 32 random bytes, 4 and more are zero once in 100,000 times.
  constexpr size_t kSide = 32, kOneOf = 8;
  const auto are_some = [](std::span<const uint8_t> side) {
    return static_cast<size_t>(std::count(side.begin(), side.end(), 0)) >= side.size() / kOneOf;
  };
  const size_t before = std::min(at, kSide), behind = at + sizeof(uint32_t);
  return are_some(bytes.subspan(at - before, before)) &&
         are_some(bytes.subspan(behind, std::min(bytes.size() - behind, kSide)));
}

bool is_one_of_many(std::span<const uint8_t, kNeighbours> bytes, size_t at, uint32_t id,
                    const std::function<bool(uint64_t word)>& is_other) {
  // A structure with as many others is rare: what it holds are addresses, flags and small numbers.
  constexpr int kMany = 6, kFewerBits = 4, kMoreBits = 2;
  int many = 0;
  const auto look = [&](uint32_t word, size_t place) {
    const int bits = std::bit_width(word) - std::bit_width(id);
    if (place - at >= sizeof(uint32_t) && bits >= -kFewerBits && bits <= kMoreBits &&
        !is_other(word))
      ++many;
  };
  for (size_t i = 0; i < bytes.size(); i += sizeof(uint64_t)) {
    if (is_other(load<uint64_t>(bytes, i))) continue;
    look(load<uint32_t>(bytes, i), i);
    look(load<uint32_t>(bytes, i + sizeof(uint32_t)), i + sizeof(uint32_t));
  }
  return many >= kMany;
}

bool stands_beside_link(uint64_t address,
                        const std::function<std::optional<uint64_t>(uint64_t place)>& read) {
  constexpr uint64_t kPointer = sizeof(void*);
  const auto is_link = [&](uint64_t link) {
    const auto next = read(link), previous = read(link + kPointer);
    return next && previous && read(*next + kPointer) == link && read(*previous) == link;
  };
  const uint64_t word = address & ~(kPointer - 1);
  return is_link(word + kPointer) || is_link(word - 2 * kPointer);
}

}  // namespace thaw::checkpoint
