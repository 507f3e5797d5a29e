// Looks for the ids of threads in memory, and for numbers that are no ids: where those are found as
// well, an id may be there by chance.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "image/model.h"

namespace thaw::checkpoint {

/// How a number stands in memory, finer than model::IdForm: the rarer a shape, the surer the hit.
enum class Shape : uint8_t {
  low_half,   ///< 64 bits, the upper half zero
  high_half,  ///< 64 bits, the lower half zero: small integers of V8 on 64-bit CPUs
  word,
  fixnum,
  tagged,
  smi,
  real,
  code,   ///< unaligned, in executable memory
  futex,  ///< with flags of futex(2)
  clock,
  count
};
model::IdForm form_of(Shape shape);

class IdScanner {
 public:
  /// How many numbers that are no ids are looked for, for each kind of number (docs/pids.md), and how
  /// many of them may be found where a hit is sure.
  struct Chance {
    uint32_t controls, most;
  };
  /// One in 512 chance hits goes unseen.
  static constexpr Chance kStrict = {512, 0};
  /// Where what is not sure is refused: with more numbers, chance itself is less a matter of chance.
  static constexpr Chance kMeasured = {4096, 15};

  /// `ids` are those of the threads, the leader's first.
  IdScanner(std::span<const uint32_t> ids, Chance chance);

  struct Hit {
    uint64_t address = 0;
    model::Index thread = 0;
    Shape shape = Shape::word;
    bool sure = false;  ///< hardly another number of its kind was found in the same part
  };
  /// Looks at the next bytes of a part; `address` is a multiple of 8. `code`: look at each byte.
  void scan(uint64_t address, std::span<const uint8_t> bytes, bool code);
  /// What was found since the last call.
  std::vector<Hit> end_part();

  /// Smaller numbers are everywhere: upper halves of pointers, sizes. Of such ids only the words
  /// that a lock may be made of are looked for, and clocks.
  static constexpr uint32_t kLeast = 1 << 16, kLeastOfClock = 1 << 8;

 private:
  struct Needle {
    uint32_t word = 0;
    Shape shape = Shape::word;  ///< word for all plain numbers
    uint16_t group = 0;
    model::Index thread = model::kNone;  ///< kNone: no id
    uint32_t low_word = 0;               ///< of a real
  };
  /// Numbers that look alike: as many bits, both odd or both even.
  using Group = std::pair<int, bool>;

  void add_number(uint32_t number, uint16_t group, model::Index thread);
  void add_clocks(uint32_t number, uint16_t group, model::Index thread);
  void add_needle(const Needle& needle);
  void add_controls(std::span<const uint32_t> ids, Group group, uint16_t index);
  [[nodiscard]] bool may_match(uint32_t word) const {
    const uint32_t hash = word * 0x9e3779b1u >> shift_;
    return (filter_[hash / 64] >> (hash % 64) & 1) != 0;
  }
  void match(uint64_t address, std::span<const uint8_t> bytes, size_t at);
  void found(const Needle& needle, uint64_t address, Shape shape);

  Chance chance_;
  uint32_t shift_;  ///< 32 less the bits that number the filter's
  std::vector<uint64_t> filter_;
  std::vector<Needle> needles_;  ///< ascending by word
  std::map<Group, uint16_t> groups_;
  std::vector<std::array<uint32_t, static_cast<size_t>(Shape::count)>> controls_;  ///< by group
  std::vector<std::pair<Hit, uint16_t>> hits_;                                     ///< with group
};

}  // namespace thaw::checkpoint
