// The ops of one process, merged as they are added: each op is a system call of every launch.
#pragma once

#include <cstddef>
#include <vector>

#include "image/model.h"

namespace thaw::checkpoint {

class OpList {
 public:
  explicit OpList(std::vector<model::Op>& ops) : ops_(ops), first_(ops.size()) {}

  void map(uint64_t address, uint64_t size, uint32_t prot, uint32_t flags, uint16_t source,
           uint64_t offset);
  void add(model::OpKind kind, uint64_t address, uint64_t size, uint32_t flags = 0,
           bool optional = false);
  void protect(uint64_t address, uint64_t size, uint32_t prot, uint32_t key = 0);
  void aio_ring(uint64_t address, uint64_t size, uint32_t requests, uint32_t events);
  void read(uint64_t address, uint64_t size, uint64_t offset);
  void name(uint64_t address, uint64_t size, model::Blob name);

  [[nodiscard]] model::Range range() const {
    return {static_cast<model::Index>(first_), static_cast<uint32_t>(ops_.size() - first_)};
  }

 private:
  std::vector<model::Op>& ops_;
  size_t first_;
};

}  // namespace thaw::checkpoint
