#include "checkpoint/plan/queued_ids.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <set>
#include <string>

#include "fd/kinds.h"
#include "proc/members.h"

namespace thaw::checkpoint {
namespace {

std::set<uint32_t> telling_pids(const Capture& capture) {
  std::set<uint32_t> pids;
  for (const pid_t pid : capture.pids())
    if (proc::is_telling_id(static_cast<uint32_t>(pid))) pids.insert(static_cast<uint32_t>(pid));
  return pids;
}

/// What waits in the descriptor, to be read after a launch.
std::string_view queued(const image::Builder& image, const model::OpenFile& file) {
  if (file.object != model::kNone && image.objects[file.object].kind == model::ObjectKind::pipe)
    return image.bytes(image.objects[file.object].content);
  return file.kind == fd::kind_id(fd::kUnixPair) ? image.bytes(file.content) : std::string_view();
}

/// As a number of 32 bits, at any place; 0: there is none.
uint32_t find_number(const std::set<uint32_t>& pids, std::string_view bytes) {
  for (size_t at = 0; at + sizeof(uint32_t) <= bytes.size(); ++at) {
    uint32_t word;
    memcpy(&word, bytes.data() + at, sizeof(word));
    if (pids.contains(word)) return word;
  }
  return 0;
}

/// As decimal text.
uint32_t find_text(const std::set<uint32_t>& pids, std::string_view bytes) {
  const auto is_digit = [](char c) { return isdigit(static_cast<unsigned char>(c)) != 0; };
  for (auto at = std::find_if(bytes.begin(), bytes.end(), is_digit); at != bytes.end();
       at = std::find_if(at, bytes.end(), is_digit)) {
    const auto end = std::find_if_not(at, bytes.end(), is_digit);
    constexpr ptrdiff_t kMostDigits = 7;
    if (end - at <= kMostDigits) {
      const auto number = static_cast<uint32_t>(strtoul(std::string(at, end).c_str(), nullptr, 10));
      if (pids.contains(number)) return number;
    }
    at = end;
  }
  return 0;
}

std::string what_holds(const Capture& capture, const model::OpenFile& file, uint32_t pid,
                       const char* form) {
  const pid_t holder = capture.processes[file.process].pid;
  const std::string number = file.first_fd == model::kNone
                                 ? std::string()
                                 : " " + std::to_string(capture.image.fds[file.first_fd].number);
  return "process " + std::to_string(holder) + " (" + proc::name_of(holder) + "), descriptor" +
         number + ": holds data that nobody has read, and in them the pid " + std::to_string(pid) +
         " of the app" + form;
}

}  // namespace

Result<void> check_queues(Capture& capture) {
  const std::set<uint32_t> pids = telling_pids(capture);
  if (pids.empty() || capture.request.keeps_ids()) return {};
  for (const model::OpenFile& file : capture.image.open_files) {
    const std::string_view bytes = queued(capture.image, file);
    if (const uint32_t pid = find_number(pids, bytes); pid != 0) {
      const std::string what = what_holds(capture, file, pid, "");
      constexpr const char* kNot = ", which a launch could not correct";
      if (capture.is_tree())
        return Error{0, what + kNot,
                     "let the app read them before the checkpoint (lengthen `settle`); if it is "
                     "chance, build again: other pids are chosen"};
      capture.warnings.push_back(what + kNot);
    } else if (const uint32_t written = find_text(pids, bytes); written != 0) {
      capture.warnings.push_back(what_holds(capture, file, written, " as text") +
                                 ", which is that of the build in each launch");
    }
  }
  return {};
}

}  // namespace thaw::checkpoint
