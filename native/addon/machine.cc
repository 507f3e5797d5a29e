// What an image for this machine must not need more of: machine(), missingFeatures(cpu, needed, present), buildId(path). The
// rules are those of a launch (launch/check/machine.cc), for whoever chooses among images of several machines.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>

#include "addon/addon.h"
#include "arch/cpus.h"
#include "elf/build_id.h"
#include "support/unique_fd.h"

namespace thaw::addon {
namespace {

/// False where the text is not what feature_words() writes.
bool read_words(std::string_view text, arch::CpuFeatures& features) {
  const char* at = text.data();
  const char* const end = at + text.size();
  const uint64_t* const last = std::end(features.words) - 1;
  for (uint64_t& word : features.words) {
    const auto [next, error] = std::from_chars(at, end, word, 16);
    if (error != std::errc()) return false;
    if (&word == last) return next == end;
    if (next == end || *next != ':') return false;
    at = next + 1;
  }
  return false;
}

}  // namespace

std::string feature_words(const arch::CpuFeatures& features) {
  std::string text;
  for (const uint64_t word : features.words) text += (text.empty() ? "" : ":") + to_hex(word);
  return text;
}

Napi::Value machine(const Napi::CallbackInfo& info) {
  Napi::Object o = Napi::Object::New(info.Env());
  o.Set("cpu", arch::kThisCpu.name);
  o.Set("cpuFeatureWords", feature_words(arch::cpu_features()));
  o.Set("pageSize", static_cast<double>(sysconf(_SC_PAGESIZE)));
  return o;
}

/// Null where the CPU or the words are none that this thaw knows.
Napi::Value missing_features(const Napi::CallbackInfo& info) {
  const arch::Cpu* cpu = arch::cpu(std::string_view(info[0].ToString().Utf8Value()));
  arch::CpuFeatures needed, present;
  if (cpu == nullptr || !read_words(info[1].ToString().Utf8Value(), needed) ||
      !read_words(info[2].ToString().Utf8Value(), present))
    return info.Env().Null();
  return Napi::String::New(info.Env(), cpu->missing_features(needed, present));
}

/// Empty where there is no such file, or it has none. The path may come from elsewhere: a device is not even opened.
Napi::Value build_id(const Napi::CallbackInfo& info) {
  const std::string path = info[0].ToString();
  struct stat status = {};
  const bool regular = stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
  const UniqueFd fd(regular ? open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1);
  return Napi::String::New(info.Env(), fd.valid() ? bytes_to_hex(elf::build_id(fd.get())) : "");
}

}  // namespace thaw::addon
