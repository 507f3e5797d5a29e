#include "mutate.h"

#include <algorithm>
#include <span>

#include "image/hash.h"

namespace thaw::fuzz {
namespace {

/// Values that bounds checks get wrong when they are wrong.
constexpr uint64_t kExtremes[] = {0,
                                  1,
                                  7,
                                  0x7f,
                                  0xff,
                                  0x1000,
                                  0x7fff,
                                  0xffff,
                                  0x7fffffff,
                                  0x80000000,
                                  0xffffffff,
                                  0x100000000,
                                  0x7fffffffffffffff,
                                  0x8000000000000000,
                                  0xfffffffffffff000,
                                  0xffffffffffffffff};

size_t below(Random& random, size_t limit) {
  return limit == 0 ? 0 : static_cast<size_t>(random() % limit);
}

std::span<uint8_t> bytes_of(image::Header& header) {
  return {reinterpret_cast<uint8_t*>(&header), sizeof(header)};
}

/// A table of the image, the header, or all metadata: each as likely as the others, be it ever so
/// short. Where the section's header is broken already, what is left of it.
std::span<uint8_t> place(Skeleton& skeleton, Random& random) {
  const size_t choice = below(random, std::size(skeleton.header.sections) + 2);
  if (choice == 0) return bytes_of(skeleton.header);
  const std::span<uint8_t> all(skeleton.metadata);
  if (choice == 1) return all;
  const image::Section& section = skeleton.header.sections[choice - 2];
  const size_t start = std::min<uint64_t>(section.offset, all.size());
  const uint64_t size = section.count * section.record_size;
  return all.subspan(start, std::min<uint64_t>(size, all.size() - start));
}

void flip(Skeleton& skeleton, Random& random) {
  const auto bytes = place(skeleton, random);
  if (!bytes.empty())
    bytes[below(random, bytes.size())] ^= static_cast<uint8_t>(1u << below(random, 8));
}

/// A field, of the width that most have, becomes an extreme value, or a little more or less.
void field(Skeleton& skeleton, Random& random) {
  const auto bytes = place(skeleton, random);
  const size_t width = below(random, 2) == 0 ? 4 : 8;
  if (bytes.size() < width) return;
  uint8_t* at = bytes.data() + below(random, bytes.size() / width) * width;
  uint64_t value = 0;
  memcpy(&value, at, width);
  const uint64_t step = uint64_t{1} << below(random, 17);
  switch (below(random, 3)) {
    case 0:
      value = kExtremes[below(random, std::size(kExtremes))];
      break;
    case 1:
      value += step;
      break;
    default:
      value -= step;
      break;
  }
  memcpy(at, &value, width);
}

/// A field gets the value of another: an index, an offset, a range that lies in another table.
void field_of_another(Skeleton& skeleton, Random& random) {
  const auto to = place(skeleton, random), from = place(skeleton, random);
  const size_t width = below(random, 2) == 0 ? 4 : 8;
  if (to.size() < width || from.size() < width) return;
  memmove(to.data() + below(random, to.size() / width) * width,
          from.data() + below(random, from.size() / width) * width, width);
}

void noise(Skeleton& skeleton, Random& random) {
  const auto bytes = place(skeleton, random);
  if (bytes.empty()) return;
  const size_t at = below(random, bytes.size());
  const size_t size = std::min<size_t>(1 + below(random, 64), bytes.size() - at);
  for (uint8_t& byte : bytes.subspan(at, size)) byte = static_cast<uint8_t>(random());
}

/// One record becomes another of the same table.
void record(Skeleton& skeleton, Random& random) {
  const image::Section& section =
      skeleton.header.sections[below(random, std::size(skeleton.header.sections))];
  const size_t size = section.record_size;
  const size_t room = skeleton.metadata.size();
  if (section.count == 0 || size == 0 || section.offset > room ||
      section.count > (room - section.offset) / size)
    return;
  uint8_t* table = skeleton.metadata.data() + section.offset;
  memmove(table + below(random, section.count) * size, table + below(random, section.count) * size,
          size);
}

/// Two tables change places, or what says where they are.
void swap_tables(Skeleton& skeleton, Random& random) {
  auto& sections = skeleton.header.sections;
  image::Section& a = sections[below(random, std::size(sections))];
  image::Section& b = sections[below(random, std::size(sections))];
  switch (below(random, 4)) {
    case 0:
      std::swap(a, b);
      break;
    case 1:
      std::swap(a.offset, b.offset);
      break;
    case 2:
      std::swap(a.count, b.count);
      break;
    default:
      std::swap(a.record_size, b.record_size);
      break;
  }
}

void count(Skeleton& skeleton, Random& random) {
  auto& sections = skeleton.header.sections;
  image::Section& section = sections[below(random, std::size(sections))];
  const uint64_t step = 1 + below(random, 4);
  switch (below(random, 5)) {
    case 0:
      section.count -= std::min(section.count, step);
      break;
    case 1:
      section.count += step;
      break;
    case 2:
      section.count = kExtremes[below(random, std::size(kExtremes))];
      break;
    case 3:
      section.offset += 8 * step;
      break;
    default:
      section.offset = kExtremes[below(random, std::size(kExtremes))];
      break;
  }
}

/// The end is missing, and half of the time the header says so.
void cut(Skeleton& skeleton, Random& random) {
  skeleton.metadata.resize(below(random, skeleton.metadata.size() + 1));
  if (below(random, 2) == 0) return;
  if (below(random, 2) == 0) skeleton.metadata.resize(skeleton.metadata.size() / 4096 * 4096);
  skeleton.header.metadata_size = skeleton.metadata.size();
  skeleton.header.file_size = skeleton.header.metadata_offset + skeleton.header.metadata_size;
}

constexpr void (*kKinds[])(Skeleton&, Random&) = {
    flip, field, field, field_of_another, noise, record, swap_tables, count, cut};

}  // namespace

void mutate(Skeleton& skeleton, Random& random) {
  for (size_t changes = 1 + below(random, 4); changes > 0; --changes)
    kKinds[below(random, std::size(kKinds))](skeleton, random);
}

void correct_hash(Skeleton& skeleton) {
  Skeleton copy = skeleton;
  copy.metadata.resize(std::min<uint64_t>(copy.header.metadata_size, copy.metadata.size()));
  if (copy.metadata.size() != copy.header.metadata_size ||
      copy.header.tail_offset > copy.header.metadata_size)
    return;
  skeleton.header.tail_hash = image::tail_hash(copy.header, copy.metadata.data());
  copy.header.tail_hash = skeleton.header.tail_hash;
  skeleton.header.metadata_hash = image::metadata_hash(copy.header, copy.metadata.data());
}

}  // namespace thaw::fuzz
