#include "checkpoint/plan/pid_text.h"

#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <memory>

#include "support/file.h"
#include "support/pid_file.h"

namespace thaw::checkpoint {
namespace {

/// Shorter numbers stand in many texts.
constexpr size_t kLeastDigits = 5;
constexpr size_t kMostTexts = 16, kMostNames = 256;
constexpr std::string_view kSuffix = ".pid";

bool is_printable(char c) {
  return c >= ' ' && c <= '~';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_of_path(char c) {
  return isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("/._-+@:").find(c) != std::string_view::npos;
}

/// Several times faster than memmem(3) where the first character is rare, as it is in memory.
const char* find_text(const char* from, const char* end, std::string_view what) {
  while (end - from >= static_cast<ptrdiff_t>(what.size())) {
    const size_t room = static_cast<size_t>(end - from) - what.size() + 1;
    from = static_cast<const char*>(memchr(from, what.front(), room));
    if (from == nullptr) return nullptr;
    if (memcmp(from, what.data(), what.size()) == 0) return from;
    ++from;
  }
  return nullptr;
}

void add_matches(const std::string& pattern, std::set<std::string>& paths) {
  glob_t found = {};
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0)
    for (size_t i = 0; i < found.gl_pathc; ++i) paths.insert(found.gl_pathv[i]);
  globfree(&found);
}

}  // namespace

PidText::PidText(pid_t pid, std::span<const pid_t> others)
    : pid_(pid), digits_(std::to_string(pid)) {
  for (const pid_t other : others)
    if (std::string digits = std::to_string(other); other != pid && digits.size() >= kLeastDigits) {
      fewest_ = others_.empty() ? digits.size() : std::min(fewest_, digits.size());
      others_.insert(std::move(digits));
    }
}

void PidText::scan(uint64_t address, std::span<const char> bytes) {
  if (digits_.size() >= kLeastDigits) find_digits(address, bytes);
  if (!others_.empty()) find_others(address, bytes);
  find_names(bytes);
}

void PidText::find_digits(uint64_t address, std::span<const char> bytes) {
  const char *begin = bytes.data(), *end = begin + bytes.size();
  for (const char* at = find_text(begin, end, digits_); at != nullptr && texts_.size() < kMostTexts;
       at = find_text(at + 1, end, digits_)) {
    const char* behind = at + digits_.size();
    if ((at > begin && is_digit(at[-1])) || (behind < end && is_digit(*behind))) continue;
    note(address, bytes, at, behind);
  }
}

/// In one walk for all of them, in steps of the shortest.
void PidText::find_others(uint64_t address, std::span<const char> bytes) {
  const char *begin = bytes.data(), *end = begin + bytes.size();
  for (size_t step = fewest_ - 1; step < bytes.size() && texts_.size() < kMostTexts;
       step += fewest_) {
    const char *at = begin + step, *behind = at;
    if (!is_digit(*at)) continue;
    while (at > begin && is_digit(at[-1])) --at;
    while (behind < end && is_digit(*behind)) ++behind;
    if (others_.contains(std::string_view(at, static_cast<size_t>(behind - at))))
      note(address, bytes, at, behind);
  }
}

/// With what stands around the digits from `at` to `behind`.
void PidText::note(uint64_t address, std::span<const char> bytes, const char* at,
                   const char* behind) {
  constexpr ptrdiff_t kBefore = 24, kBehind = 8;
  const char *begin = bytes.data(), *end = begin + bytes.size();
  const char *from = at, *to = behind;
  while (from > begin && at - from < kBefore && is_printable(from[-1])) --from;
  while (to < end && to - behind < kBehind && is_printable(*to)) ++to;
  texts_.try_emplace(std::string(from, to), address + static_cast<uint64_t>(at - begin));
}

void PidText::find_names(std::span<const char> bytes) {
  const char *begin = bytes.data(), *end = begin + bytes.size();
  for (const char* at = find_text(begin, end, kSuffix); at != nullptr && names_.size() < kMostNames;
       at = find_text(at + 1, end, kSuffix)) {
    const char* behind = at + kSuffix.size();
    if (behind < end && is_of_path(*behind)) continue;
    constexpr ptrdiff_t kLongest = 255;
    const char* from = at;
    while (from > begin && at - from < kLongest && is_of_path(from[-1])) --from;
    names_.emplace(from, behind);
  }
}

std::vector<PidText::File> PidText::files(const std::string& cwd,
                                          std::span<const std::string> patterns) const {
  std::set<std::string> paths;
  const std::string beside = cwd + "/";
  for (const std::string& name : names_)
    paths.insert(name.starts_with('/') ? name : std::string(beside).append(name));
  for (const std::string& folder : {std::string("/run"), std::string("/run/*"), cwd})
    add_matches(folder + "/*.pid", paths);
  for (const std::string& pattern : patterns) add_matches(pattern, paths);

  std::vector<File> files;
  std::set<std::string> seen;
  for (const std::string& path : paths) {
    const std::unique_ptr<char, decltype(&free)> real(realpath(path.c_str(), nullptr), &free);
    if (real == nullptr || !seen.insert(real.get()).second) continue;
    struct stat status = {};
    if (stat(real.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
        status.st_size > off_t{kMostOfPidFile})
      continue;
    const auto content = read_file(real.get());
    if (!content) continue;
    if (const auto rest = behind_pid(content.value(), pid_))
      files.push_back({real.get(), std::string(*rest), status.st_mode & 0777});
  }
  return files;
}

}  // namespace thaw::checkpoint
