#include "checkpoint/plan/op_list.h"

namespace thaw::checkpoint {
namespace {

/// True if the kernel would make one mapping of both, so that one call can.
bool continues(const model::Op& last, const model::Op& next) {
  if (last.kind != model::OpKind::map || last.address + last.size != next.address ||
      last.prot != next.prot || last.flags != next.flags || last.source != next.source)
    return false;
  return next.source == model::Op::kNoSource || last.offset + last.size == next.offset;
}

/// True if the same advice goes on at `address`. What may fail must not keep a neighbour from it.
bool advises_on(const model::Op& last, model::OpKind kind, uint64_t address, uint32_t flags,
                bool optional) {
  return kind == model::OpKind::advise && last.kind == kind && last.flags == flags && !optional &&
         last.optional == 0 && last.address + last.size == address;
}

}  // namespace

void OpList::map(uint64_t address, uint64_t size, uint32_t prot, uint32_t flags, uint16_t source,
                 uint64_t offset) {
  model::Op op;
  op.kind = model::OpKind::map;
  op.address = address;
  op.size = size;
  op.prot = prot;
  op.flags = flags;
  op.source = source;
  op.offset = offset;
  if (ops_.size() > first_ && continues(ops_.back(), op))
    ops_.back().size += size;
  else
    ops_.push_back(op);
}

void OpList::add(model::OpKind kind, uint64_t address, uint64_t size, uint32_t flags,
                 bool optional) {
  if (ops_.size() > first_ && advises_on(ops_.back(), kind, address, flags, optional)) {
    ops_.back().size += size;
    return;
  }
  model::Op op;
  op.kind = kind;
  op.address = address;
  op.size = size;
  op.flags = flags;
  op.optional = optional ? 1 : 0;
  ops_.push_back(op);
}

void OpList::protect(uint64_t address, uint64_t size, uint32_t prot, uint32_t key) {
  add(model::OpKind::protect, address, size, key);
  ops_.back().prot = prot;
}

void OpList::aio_ring(uint64_t address, uint64_t size, uint32_t requests, uint32_t events) {
  add(model::OpKind::aio_ring, address, size, events);
  ops_.back().offset = requests;
}

void OpList::read(uint64_t address, uint64_t size, uint64_t offset) {
  add(model::OpKind::read, address, size);
  ops_.back().offset = offset;
}

void OpList::name(uint64_t address, uint64_t size, model::Blob name) {
  add(model::OpKind::name, address, size, 0, true);
  ops_.back().offset = name.offset;
  ops_.back().prot = static_cast<uint32_t>(name.size);
}

}  // namespace thaw::checkpoint
