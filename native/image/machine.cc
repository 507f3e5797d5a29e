#include "image/machine.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "image/hash.h"
#include "support/file.h"
#include "support/unique_fd.h"

namespace thaw::image {
namespace {

using model::MachineInput;

constexpr uint64_t kMegabyte = 1 << 20, kWholeCpu = 100, kUnlimited = ~uint64_t{0};

/// A small file of /proc or /sys; empty: there is none.
struct SmallFile {
  char text[4096] = {};

  explicit SmallFile(const char* path) {
    const UniqueFd fd(open(path, O_RDONLY | O_CLOEXEC));
    if (fd.valid() && read(fd.get(), text, sizeof(text) - 1) < 0) text[0] = '\0';
  }
};

uint64_t allowed_cpus() {
  unsigned long mask[8192 / (8 * sizeof(unsigned long))] = {};  // NR_CPUS of the largest kernels.
  const int size = sched_getaffinity(0, sizeof(mask), reinterpret_cast<cpu_set_t*>(mask));
  return size == 0
             ? static_cast<uint64_t>(CPU_COUNT_S(sizeof(mask), reinterpret_cast<cpu_set_t*>(mask)))
             : 0;
}

/// Ranges: "0-3,6".
uint64_t online_cpus() {
  const SmallFile file("/sys/devices/system/cpu/online");
  uint64_t count = 0;
  for (const char* at = file.text; *at >= '0' && *at <= '9';) {
    char* end = nullptr;
    const unsigned long first = strtoul(at, &end, 10);
    const unsigned long last = *end == '-' ? strtoul(end + 1, &end, 10) : first;
    count += last - first + 1;
    at = *end == ',' ? end + 1 : end;
  }
  return count;
}

uint64_t total_memory() {
  struct sysinfo info = {};
  return sysinfo(&info) == 0 ? uint64_t{info.totalram} * info.mem_unit / kMegabyte : 0;
}

/// The limit that the cgroup in the folder has itself. Opening is what takes time here.
using OwnLimit = uint64_t (*)(const char* folder, bool version2);

uint64_t first_number(const char* folder, const char* name) {
  char path[PATH_MAX];
  if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= static_cast<int>(sizeof(path)))
    return kUnlimited;
  const SmallFile file(path);
  const bool is_number = file.text[0] >= '0' && file.text[0] <= '9';
  return is_number ? strtoull(file.text, nullptr, 10) : kUnlimited;
}

uint64_t memory_of(const char* folder, bool version2) {
  if (!version2) return first_number(folder, "memory.limit_in_bytes");
  return std::min(first_number(folder, "memory.max"), first_number(folder, "memory.high"));
}

uint64_t percent(uint64_t quota, uint64_t period) {
  return quota == kUnlimited || period == 0 || period == kUnlimited ? kUnlimited
                                                                    : quota * kWholeCpu / period;
}

uint64_t cpu_of(const char* folder, bool version2) {
  if (!version2)
    return percent(first_number(folder, "cpu.cfs_quota_us"),
                   first_number(folder, "cpu.cfs_period_us"));
  char path[PATH_MAX];
  if (snprintf(path, sizeof(path), "%s/cpu.max", folder) >= static_cast<int>(sizeof(path)))
    return kUnlimited;
  const SmallFile file(path);  // "max 100000", "150000 100000"
  char* end = nullptr;
  const uint64_t quota = strtoull(file.text, &end, 10);
  return end == file.text ? kUnlimited : percent(quota, strtoull(end, nullptr, 10));
}

/// The least of this process's cgroup of that controller and those above it: version 1, where
/// /proc/self/cgroup has a line "N:CONTROLLER,...:PATH", or version 2, "0::PATH", which is the last.
/// Mounted where systemd and runtimes have it.
uint64_t cgroup_limit(const char* controller, OwnLimit own) {
  uint64_t limit = kUnlimited;
  const SmallFile file("/proc/self/cgroup");
  each_line(file.text, "", [&](std::string_view line) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string_view::npos) return true;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const bool version2 = controllers.empty();
    const auto names = split(controllers, ",");
    if (!version2 && std::find(names.begin(), names.end(), controller) == names.end()) return true;
    std::string folder = "/sys/fs/cgroup";
    if (!version2) folder.append("/").append(controller);
    const size_t top = folder.size();
    folder += line.substr(second + 1);
    for (;;) {
      limit = std::min(limit, own(folder.c_str(), version2));
      if (folder.size() <= top) return false;
      folder.resize(std::max(top, folder.rfind('/')));
    }
  });
  return limit;
}

bool is_in(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

}  // namespace

std::string host_name() {
  utsname names = {};
  return uname(&names) == 0 ? names.nodename : "";
}

uint64_t machine_value(MachineInput input) {
  switch (input) {
    case MachineInput::host_name: {
      const std::string name = host_name();
      return hash(name.data(), name.size());
    }
    case MachineInput::allowed_cpus:
      return allowed_cpus();
    case MachineInput::online_cpus:
      return online_cpus();
    case MachineInput::cpu_limit:
      return std::min(cgroup_limit("cpu", cpu_of), online_cpus() * kWholeCpu);
    case MachineInput::memory:
      return total_memory();
    case MachineInput::memory_limit: {
      const uint64_t limit = cgroup_limit("memory", memory_of);
      return std::min(limit / kMegabyte, total_memory());
    }
    case MachineInput::count:
      break;
  }
  return 0;
}

bool same_machine_value(MachineInput input, uint64_t then, uint64_t now) {
  if (then == now) return true;
  if (input != MachineInput::memory && input != MachineInput::memory_limit) return false;
  return std::max(then, now) - std::min(then, now) < std::max(then, now) / 32;
}

uint32_t machine_input_of_file(std::string_view path) {
  auto is = [](MachineInput input) { return static_cast<uint32_t>(input); };
  if (path == "/proc/sys/kernel/hostname") return is(MachineInput::host_name);
  if (path == "/proc/meminfo") return is(MachineInput::memory);
  if (path == "/proc/cpuinfo" || path == "/proc/stat" || is_in(path, "/sys/devices/system/cpu"))
    return is(MachineInput::online_cpus);
  if (!is_in(path, "/sys/fs/cgroup")) return model::kMachineInputs;
  const std::string_view name = base_name(path);
  if (name == "memory.max" || name == "memory.high" || name == "memory.limit_in_bytes")
    return is(MachineInput::memory_limit);
  if (name == "cpu.max" || name.starts_with("cpu.cfs_")) return is(MachineInput::cpu_limit);
  if (name.starts_with("cpuset.")) return is(MachineInput::allowed_cpus);
  return model::kMachineInputs;
}

}  // namespace thaw::image
