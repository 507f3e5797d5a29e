#include "checkpoint/survey.h"

#include <unistd.h>

#include <algorithm>

#include "checkpoint/collect/collect.h"
#include "checkpoint/collect/ipc_objects.h"
#include "checkpoint/plan/memory_plan.h"
#include "checkpoint/plan/segments.h"
#include "proc/check_supported.h"
#include "support/file.h"

namespace thaw::checkpoint {
namespace {

void survey_descriptors(const Request& request, const proc::Members& members,
                        std::vector<Error>& found) {
  Capture capture(request, static_cast<size_t>(sysconf(_SC_PAGESIZE)));
  for (const pid_t pid : members.running)
    if (auto memory = proc::Memory::open(pid)) capture.processes.emplace_back(pid, memory.take());
  for (const pid_t pid : members.ended) capture.ended.push_back({pid, {}});
  if (capture.processes.empty() || capture.root().pid != request.pid) return;
  if (auto result = collect_descriptors(capture, &found); !result && result.error().err == 0)
    found.push_back(result.error());
}

std::string size_text(uint64_t kb) {
  return std::to_string(kb) + " KiB";
}

std::string place(const Vma& vma) {
  char range[64];
  snprintf(range, sizeof(range), "mapping %llx-%llx", static_cast<unsigned long long>(vma.start),
           static_cast<unsigned long long>(vma.end));
  return vma.path.empty() ? range : std::string(range) + " (" + vma.path + ")";
}

bool is_held(const Vma& vma) {
  return !vma.is_file() && vma.resident_kb + vma.swap_kb != 0 && (vma.prot & 3) != 0;
}

}  // namespace

std::vector<Error> survey(const Request& request) {
  const proc::Members members = proc::members_of(request.pid);
  std::vector<Error> found;
  auto add = [&](const Result<void>& result, pid_t pid) {
    if (!result)
      found.push_back(pid == request.pid ? result.error() : proc::of_member(result.error(), pid));
  };
  for (const pid_t pid : members.running) add(proc::check_traceable(pid), pid);
  if (!found.empty()) return found;
  found = proc::refusals(members, request.ids());
  add(check_own_rights(request, request.pid), request.pid);
  for (Error& error : ipc_refusals(request, members)) found.push_back(std::move(error));
  survey_descriptors(request, members, found);
  std::vector<std::pair<pid_t, std::vector<Vma>>> memory;
  for (const pid_t pid : members.running)
    if (auto vmas = proc::read_vmas(pid)) memory.emplace_back(pid, vmas.take());
  for (const auto& [pid, vmas] : memory)
    for (const Vma& vma : vmas) {
      uint64_t mappings = 0;
      for (const auto& other : memory) mappings += mappings_of_segment(vma, other.second);
      add(check_mapping(request.policies, vma, vmas, mappings), pid);
    }
  return found;
}

Error with_others(const Request& request, const Error& first) {
  std::vector<Error> all = survey(request);
  const bool known = std::any_of(
      all.begin(), all.end(), [&first](const Error& one) { return one.message == first.message; });
  // What the process is refused for by itself comes as one error already.
  const bool several = proc::refusals(proc::members_of(request.pid), request.ids()).size() > 1;
  if (!known && !several) all.insert(all.begin(), first);
  auto result = joined(all);
  return result ? first : result.error();
}

std::vector<std::string> secrets_of(const ProcessCapture& process) {
  std::vector<std::string> found;
  if ((process.record.flags & model::kDumpable) == 0)
    found.push_back(
        "the app has asked for no core dumps (PR_SET_DUMPABLE), or has changed its user: what it "
        "keeps out of them is in the image");
  const bool all_locked = std::all_of(process.vmas.begin(), process.vmas.end(), [](const Vma& vma) {
    return !is_held(vma) || vma.has("lo");
  });
  for (const Vma& vma : process.vmas) {
    if (!is_held(vma)) continue;
    const char* how = vma.has("dd")                  ? "keeps out of core dumps (MADV_DONTDUMP)"
                      : vma.has("lo") && !all_locked ? "locks into memory (mlock)"
                                                     : nullptr;
    if (how != nullptr)
      found.push_back(place(vma) + ": " + size_text(vma.resident_kb + vma.swap_kb) +
                      " that the app " + how + ", as it would a key, are in the image");
  }
  constexpr size_t kMany = 8;
  if (found.size() > kMany) {
    const size_t more = found.size() - kMany;
    found.resize(kMany);
    found.push_back("and " + std::to_string(more) + " more such mappings");
  }
  return found;
}

}  // namespace thaw::checkpoint
