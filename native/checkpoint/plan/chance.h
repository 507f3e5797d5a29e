// Whether a number that equals an id may stand where it does by chance, by what stands around it:
// numbers that nobody has as an id (id_scanner.h) show that only in data of tens of megabytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "checkpoint/plan/id_scanner.h"

namespace thaw::checkpoint {

/// What is looked at of the bytes around a number: so many that begin at neighbours_of(), all of
/// them in its page.
constexpr size_t kNeighbours = 128;
uint64_t neighbours_of(uint64_t address);

/// Of 32 bits in data that look random, as what is compressed or encrypted: one word in 2^32 equals
/// an id there. `at`: where it stands in `bytes`.
bool stands_in_noise(std::span<const uint8_t, kNeighbours> bytes, size_t at);

/// What is rarely kept (ids of clocks, futex words that nobody waits for) is taken for an id only where
/// both before and behind it some bytes are zero, as in structures: next to zeros, where random data
/// begin or end, stands_in_noise() sees a structure.
bool stands_among_zeros(std::span<const uint8_t, kNeighbours> bytes, size_t at);

/// One of many numbers of its size, as the samples of a sound, the points of a picture or offsets in
/// a file. `is_other`: whether a word is none of these, but an address or an id.
bool is_one_of_many(std::span<const uint8_t, kNeighbours> bytes, size_t at, uint32_t id,
                    const std::function<bool(uint64_t word)>& is_other);

/// Next to a link of a doubly linked list whose neighbours link back, as libuv keeps the pid of a child
/// (uv_process_t): that is a structure, whatever else stands around it. `read`: the pointer at a place.
bool stands_beside_link(uint64_t address,
                        const std::function<std::optional<uint64_t>(uint64_t place)>& read);

}  // namespace thaw::checkpoint
