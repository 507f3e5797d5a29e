#include "checkpoint/capture.h"

#include <algorithm>

namespace thaw::checkpoint {

model::Index ProcessCapture::thread(pid_t tid) const {
  for (size_t i = 0; i < threads.size(); ++i)
    if (threads[i].tid == tid) return static_cast<model::Index>(i);
  return model::kNone;
}

const Vma* ProcessCapture::mapping(uint64_t address) const {
  const auto found = std::find_if(vmas.begin(), vmas.end(), [address](const Vma& vma) {
    return vma.start <= address && address < vma.end;
  });
  return found == vmas.end() ? nullptr : &*found;
}

model::Index Capture::process(pid_t pid) const {
  for (size_t i = 0; i < processes.size(); ++i)
    if (processes[i].pid == pid) return static_cast<model::Index>(i);
  for (size_t i = 0; i < ended.size(); ++i)
    if (ended[i].pid == pid) return static_cast<model::Index>(processes.size() + i);
  return model::kNone;
}

std::vector<pid_t> Capture::pids() const {
  std::vector<pid_t> pids;
  for (const ProcessCapture& process : processes) pids.push_back(process.pid);
  for (const EndedProcess& process : ended) pids.push_back(process.pid);
  return pids;
}

const HiddenMemory* Capture::hidden_memory(const Vma& vma) const {
  const auto found = std::find_if(hidden.begin(), hidden.end(), [&vma](const HiddenMemory& memory) {
    return memory.ino == vma.ino && memory.dev == vma.dev;
  });
  return found == hidden.end() ? nullptr : &*found;
}

}  // namespace thaw::checkpoint
