#include "checkpoint/plan/id_scanner.h"

#include <linux/futex.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <random>

namespace thaw::checkpoint {
namespace {

constexpr bool k64Bits = sizeof(long) == 8;
/// Bits of the filter for each number: few others pass it then.
constexpr uint32_t kSparse = 1024;

uint32_t load(std::span<const uint8_t> bytes, size_t at) {
  uint32_t word;
  memcpy(&word, bytes.data() + at, sizeof(word));
  return word;
}

}  // namespace

model::IdForm form_of(Shape shape) {
  switch (shape) {
    case Shape::fixnum:
      return model::IdForm::fixnum;
    case Shape::tagged:
      return model::IdForm::tagged;
    case Shape::smi:
      return model::IdForm::smi;
    case Shape::real:
      return model::IdForm::real;
    case Shape::clock:
      return model::IdForm::clock;
    case Shape::futex:
      return model::IdForm::futex;
    default:
      return model::IdForm::word;
  }
}

IdScanner::IdScanner(std::span<const uint32_t> ids, Chance chance)
    : chance_(chance),
      shift_(32 - static_cast<uint32_t>(std::bit_width(chance.controls * kSparse - 1))),
      filter_((size_t{1} << (32 - shift_)) / 64) {
  for (size_t i = 0; i < ids.size(); ++i) {
    const Group group = {std::bit_width(ids[i]), ids[i] % 2 != 0};
    const auto [place, is_new] = groups_.try_emplace(group, static_cast<uint16_t>(groups_.size()));
    if (is_new && ids[i] >= kLeastOfClock) add_controls(ids, group, place->second);
    add_number(ids[i], place->second, static_cast<model::Index>(i));
  }
  controls_.resize(groups_.size());
  std::sort(needles_.begin(), needles_.end(),
            [](const Needle& a, const Needle& b) { return a.word < b.word; });
}

void IdScanner::add_controls(std::span<const uint32_t> ids, Group group, uint16_t index) {
  const uint32_t first = uint32_t{1} << (static_cast<uint32_t>(group.first - 1) % 32);
  const size_t count = std::min<size_t>(chance_.controls, first / 4);
  std::mt19937 random(ids[0]);
  std::uniform_int_distribution<uint32_t> upper(0, first - 1);
  for (size_t i = 0; i < count; ++i) {
    const uint32_t number = ((first + upper(random)) & ~1u) | (group.second ? 1 : 0);
    if (std::find(ids.begin(), ids.end(), number) == ids.end())
      number < kLeast ? add_clocks(number, index, model::kNone)
                      : add_number(number, index, model::kNone);
  }
}

void IdScanner::add_clocks(uint32_t number, uint16_t group, model::Index thread) {
  if (number < kLeastOfClock) return;
  // CPUCLOCK_SCHED of a process and of a thread (include/linux/posix-timers.h of the kernel).
  for (const uint32_t kind : {2u, 6u})
    add_needle({~number << 3 | kind, Shape::clock, group, thread, 0});
}

void IdScanner::add_number(uint32_t number, uint16_t group, model::Index thread) {
  add_needle({number, Shape::word, group, thread, 0});
  for (const uint32_t flags :
       {uint32_t{FUTEX_WAITERS}, uint32_t{FUTEX_OWNER_DIED}, FUTEX_WAITERS | FUTEX_OWNER_DIED})
    add_needle({number | flags, Shape::futex, group, thread, 0});
  add_clocks(number, group, thread);
  if (number < kLeast) return;
  add_needle({2 * number + 1, Shape::fixnum, group, thread, 0});
  add_needle({16 * number + 15, Shape::tagged, group, thread, 0});
  add_needle({2 * number, Shape::smi, group, thread, 0});
  const auto bits = std::bit_cast<uint64_t>(static_cast<double>(number));
  add_needle(
      {static_cast<uint32_t>(bits >> 32), Shape::real, group, thread, static_cast<uint32_t>(bits)});
}

void IdScanner::add_needle(const Needle& needle) {
  const uint32_t hash = needle.word * 0x9e3779b1u >> shift_;
  filter_[hash / 64] |= uint64_t{1} << (hash % 64);
  needles_.push_back(needle);
}

void IdScanner::scan(uint64_t address, std::span<const uint8_t> bytes, bool code) {
  const size_t step = code ? 1 : sizeof(uint32_t);
  // Without a branch for each word: what memory holds cannot be predicted.
  constexpr size_t kAtOnce = 8;
  const size_t block = kAtOnce * step;
  size_t at = 0;
  for (; at + block + sizeof(uint32_t) <= bytes.size(); at += block) {
    bool any = false;
    for (size_t i = 0; i < kAtOnce; ++i) any |= may_match(load(bytes, at + i * step));
    if (!any) continue;
    for (size_t i = 0; i < kAtOnce; ++i)
      if (may_match(load(bytes, at + i * step))) match(address, bytes, at + i * step);
  }
  for (; at + sizeof(uint32_t) <= bytes.size(); at += step)
    if (may_match(load(bytes, at))) match(address, bytes, at);
}

void IdScanner::match(uint64_t address, std::span<const uint8_t> bytes, size_t at) {
  const uint32_t word = load(bytes, at);
  const auto less = [](const Needle& needle, uint32_t value) { return needle.word < value; };
  auto needle = std::lower_bound(needles_.begin(), needles_.end(), word, less);
  if (needle == needles_.end() || needle->word != word) return;

  const uint64_t here = address + at;
  const bool aligned = here % sizeof(uint32_t) == 0, upper = here % 8 != 0;
  // The other half of the 64 bits.
  const uint32_t other =
      !aligned ? 1 : load(bytes, upper ? at - 4 : std::min(at + 4, bytes.size() - 4));
  for (; needle != needles_.end() && needle->word == word; ++needle) switch (needle->shape) {
      case Shape::word:
        found(*needle, here,
              !aligned                 ? Shape::code
              : !k64Bits || other != 0 ? Shape::word
              : upper                  ? Shape::high_half
                                       : Shape::low_half);
        break;
      case Shape::fixnum:
      case Shape::tagged:
        if (aligned && (!k64Bits || (!upper && other == 0))) found(*needle, here, needle->shape);
        break;
      case Shape::real:
        if (aligned && at >= 4 && (upper || !k64Bits) && load(bytes, at - 4) == needle->low_word)
          found(*needle, here - 4, Shape::real);
        break;
      default:
        if (aligned) found(*needle, here, needle->shape);
        break;
    }
}

void IdScanner::found(const Needle& needle, uint64_t address, Shape shape) {
  if (needle.thread == model::kNone)
    ++controls_[needle.group][static_cast<size_t>(shape)];
  else
    hits_.push_back({{address, needle.thread, shape, false}, needle.group});
}

std::vector<IdScanner::Hit> IdScanner::end_part() {
  std::vector<Hit> hits;
  hits.reserve(hits_.size());
  for (auto& [hit, group] : hits_) {
    hit.sure = controls_[group][static_cast<size_t>(hit.shape)] <= chance_.most;
    hits.push_back(hit);
  }
  hits_.clear();
  for (auto& counts : controls_) counts.fill(0);
  return hits;
}

}  // namespace thaw::checkpoint
