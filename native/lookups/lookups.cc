#include "lookups/lookups.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <cstring>

#include "arch/arch.h"
#include "lookups/target.h"
#include "shim/tables.h"
#include "support/file.h"

namespace thaw::lookups {
namespace {

/// Where the tables are; 0: the app was not watched.
uint64_t find_tables(const Memory& memory, std::span<const proc::Vma> vmas) {
  for (const proc::Vma& vma : vmas) {
    shim::Lookups tables = {};
    constexpr uint32_t kWritable = PROT_READ | PROT_WRITE;
    if (vma.is_file() || vma.shared || vma.prot != kWritable || vma.size() < sizeof(tables))
      continue;
    if (memory.read(vma.start, &tables, sizeof(tables)) &&
        memcmp(tables.magic, shim::kLookupsMagic, sizeof(tables.magic)) == 0)
      return vma.start;
  }
  return 0;
}

/// Children have an environment of their own: what they looked up, nobody has seen.
bool may_have_had_children(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  auto stat = read_file(folder + "/stat"), status = read_file(folder + "/status");
  if (!stat || !status) return true;
  const auto fields = stat_fields(stat.value());
  // Page faults of children that were waited for (proc_pid_stat(5), fields 11 and 13): any child has
  // some. Children that nobody waits for are not counted.
  if (fields.size() < 11 || number(fields[8]) != 0 || number(fields[10]) != 0) return true;
  const uint64_t ignored = number(line_value(status.value(), "SigIgn:"), 16);
  return (ignored >> (SIGCHLD - 1) & 1) != 0;
}

class Settler {
 public:
  Settler(const checkpoint::Freeze& frozen, const Memory& memory, shim::Lookups& tables)
      : frozen_(frozen), memory_(memory), tables_(tables) {}

  Result<void> run(std::span<const proc::Vma> vmas, uint64_t instruction, uint64_t scratch) {
    for (const pid_t tid : frozen_.tids()) THAW_TRY(expect_outside(tid));
    for (const proc::Vma& vma : vmas)
      if (vma.start == tables_.traced_start) THAW_TRY(settle_strings(vma, instruction, scratch));
    for (const auto& replaced : tables_.replaced)
      THAW_TRY(memory_.write(replaced.address, replaced.bytes, arch::kJumpSize));
    tables_.settled = 1;
    return {};
  }

 private:
  /// A thread that stands within a jump would go on in the middle of what stood there before.
  Result<void> expect_outside(pid_t tid) {
    THAW_ASSIGN(registers, arch::read_registers(tid));
    const uint64_t pc = arch::program_counter(registers);
    for (const auto& replaced : tables_.replaced)
      if (pc > replaced.address && pc < replaced.address + arch::kJumpSize)
        return Error{EAGAIN, "a thread of the app never leaves code that thaw must change"};
    return {};
  }

  /// The app may have kept pointers into them: they become memory of its own.
  Result<void> settle_strings(const proc::Vma& vma, uint64_t instruction, uint64_t scratch) {
    tables_.walked = vma.resident_kb != 0 || vma.size() != tables_.traced_end - vma.start ? 1 : 0;
    std::vector<char> strings(vma.size());
    THAW_TRY(memory_.read(vma.start, strings.data(), strings.size()));
    THAW_ASSIGN(remote, checkpoint::RemoteSyscalls::begin(frozen_.pid(), instruction, scratch,
                                                          frozen_.options()));
#ifdef SYS_mmap2
    constexpr long kMmap = SYS_mmap2;
#else
    constexpr long kMmap = SYS_mmap;
#endif
    THAW_ASSIGN(result, remote.call(kMmap, vma.start, vma.size(), PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, ~uint64_t{0}, 0));
    if (result < 0 && result >= -4095)
      return Error{static_cast<int>(-result), "cannot give the app its environment back"};
    return memory_.write(vma.start, strings.data(), strings.size());
  }

  const checkpoint::Freeze& frozen_;
  const Memory& memory_;
  shim::Lookups& tables_;
};

Result<std::set<std::string>> read_names(const Memory& memory, uint64_t start, uint32_t used) {
  std::string names(used, '\0');
  THAW_TRY(memory.read(start, names.data(), names.size()));
  std::set<std::string> result;
  for (const std::string_view name : split(names, std::string_view("\0", 1))) result.emplace(name);
  return result;
}

}  // namespace

Result<std::optional<Seen>> settle(const checkpoint::Freeze& frozen,
                                   std::span<const proc::Vma> vmas, uint64_t syscall_instruction,
                                   uint64_t scratch) {
  THAW_ASSIGN(memory, Memory::open(frozen.pid()));
  const uint64_t at = find_tables(memory, vmas);
  if (at == 0) return std::optional<Seen>();
  shim::Lookups tables = {};
  THAW_TRY(memory.read(at, &tables, sizeof(tables)));
  if (tables.settled == 0) {
    // Something else took the place of the strings' mapping if it is not found.
    tables.walked = tables.traced_start != 0 ? 1 : 0;
    THAW_TRY(Settler(frozen, memory, tables).run(vmas, syscall_instruction, scratch));
    THAW_TRY(memory.write(at, &tables, sizeof(tables)));
  }
  Seen seen;
  THAW_ASSIGN(names, read_names(memory, at + sizeof(tables), std::min(tables.used, tables.room)));
  seen.names = std::move(names);
  seen.environ_address = tables.environ_address;
  seen.complete =
      tables.walked == 0 && tables.overflow == 0 && !may_have_had_children(frozen.pid());
  return std::optional<Seen>(std::move(seen));
}

}  // namespace thaw::lookups
