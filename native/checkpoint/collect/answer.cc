// The answer to the app's own call of thaw_checkpoint(), which each process launched from the image
// finds in its memory.
#include <cstring>

#include "checkpoint/collect/collect.h"
#include "checkpoint/freeze/app_call.h"

namespace thaw::checkpoint {
namespace {

std::vector<uint8_t> answer() {
  const uint32_t state = THAW_RESTORED;
  std::vector<uint8_t> word(sizeof(thaw_call::state));
  memcpy(word.data(), &state, sizeof(state));
  return word;
}

/// In shared memory the answer is seen through every mapping, and by descriptors.
void answer_in_shared(Capture& capture, FileId file, uint64_t offset) {
  capture.shared_overlays[file].add(offset, answer());
  for (ProcessCapture& process : capture.processes)
    for (const Vma& vma : process.vmas)
      if (vma.shared && FileId(vma.dev, vma.ino) == file && vma.offset <= offset &&
          offset - vma.offset < vma.size())
        process.overlay.add(vma.start + (offset - vma.offset), answer());
}

}  // namespace

void collect_answer(Capture& capture) {
  const uint64_t address = capture.request.call_address;
  if (address == 0) return;
  ProcessCapture& caller = capture.root();
  // Where nothing is mapped, planning finds that the overlay has no memory to go to.
  caller.overlay.add(address, answer());
  const Vma* vma = caller.mapping(address);
  if (vma != nullptr && vma->shared)
    answer_in_shared(capture, {vma->dev, vma->ino}, vma->offset + (address - vma->start));
}

}  // namespace thaw::checkpoint
