#include "lookups/watch.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <optional>

#include "arch/arch.h"
#include "checkpoint/freeze/freeze.h"
#include "checkpoint/freeze/remote_syscalls.h"
#include "lookups/lookups.h"
#include "lookups/target.h"
#include "shim/tables.h"
#include "support/file.h"

extern "C" const char thaw_shim_start[], thaw_shim_end[];

namespace thaw::lookups {
namespace {

using checkpoint::RemoteSyscalls;
using shim::BlobHeader;

constexpr uint32_t kNamesRoom = 64 << 10;
constexpr int kMostStops = 3000;

struct Replacement {
  const char* name;
  uint32_t BlobHeader::*entry;
};
/// secure_getenv(3) differs only in programs with privileges, which are never checkpointed.
constexpr Replacement kReplacements[] = {{"getenv", &BlobHeader::getenv},
                                         {"secure_getenv", &BlobHeader::getenv},
                                         {"setenv", &BlobHeader::setenv},
                                         {"unsetenv", &BlobHeader::unsetenv},
                                         {"putenv", &BlobHeader::putenv}};

/// Mappings as /proc/PID/maps has them: smaps takes too long to be read at every stop.
std::vector<proc::Vma> mappings_of(pid_t pid) {
  auto vmas = proc::read_mappings(pid);
  return vmas ? vmas.take() : std::vector<proc::Vma>();
}

/// A system call is over, or the child has executed a program; false: it has ended.
bool next_stop(pid_t child, bool& executed) {
  int signal = 0;
  for (;;) {
    if (ptrace(PTRACE_SYSCALL, child, nullptr,
               reinterpret_cast<void*>(static_cast<uintptr_t>(signal))) != 0)
      return false;
    int status = 0;
    if (waitpid(child, &status, __WALL) != child || !WIFSTOPPED(status)) return false;
    signal = 0;
    if (WSTOPSIG(status) == (SIGTRAP | 0x80)) return true;
    if (status >> 8 == (SIGTRAP | (PTRACE_EVENT_EXEC << 8))) {
      executed = true;
      return true;
    }
    if (status >> 16 == 0) signal = WSTOPSIG(status);
  }
}

uint64_t round_up(uint64_t value, uint64_t unit) {
  return (value + unit - 1) / unit * unit;
}

/// The environment as the kernel has put it on the stack: the array, and the strings.
struct StackEnvironment {
  uint64_t array = 0;
  std::vector<uintptr_t> pointers;
  uint64_t start = 0, end = 0;
  std::string strings;
};

class Installer {
 public:
  Installer(pid_t child, uint64_t first_stack, const Memory& memory, const elf::Module& libc,
            std::span<const proc::Vma> vmas)
      : child_(child),
        first_stack_(first_stack),
        memory_(memory),
        libc_(libc),
        vmas_(vmas),
        page_(static_cast<uint64_t>(sysconf(_SC_PAGESIZE))) {}

  Result<void> run() {
    for (const Replacement& one : kReplacements) {
      const elf::Symbol* function = libc_.find(one.name);
      if (function == nullptr || function->size < arch::kJumpSize)
        return Error{0, "libc has another form"};
    }
    THAW_TRY(read_environment());
    THAW_ASSIGN(instruction, syscall_instruction());
    THAW_ASSIGN(registers, arch::read_registers(child_));
    const uint64_t scratch = arch::stack_pointer(registers) / 16 * 16;
    THAW_ASSIGN(remote, RemoteSyscalls::begin(child_, instruction, scratch, PTRACE_O_TRACESYSGOOD));
    THAW_TRY(map_strings(remote));
    THAW_TRY(map_shim(remote));
    return {};
  }

  /// After run(), and when the scratch memory on the stack is what it was.
  Result<void> switch_over() {
    for (uintptr_t& pointer : environment_.pointers)
      if (pointer >= environment_.start && pointer < environment_.end)
        pointer = static_cast<uintptr_t>(pointer - environment_.start + strings_);
    if (!environment_.pointers.empty())
      THAW_TRY(memory_.write(environment_.array, environment_.pointers.data(),
                             environment_.pointers.size() * sizeof(uintptr_t)));
    for (const Replacement& one : kReplacements) {
      const uint64_t function = libc_.find(one.name)->address;
      const auto code = arch::jump_code(function, code_ + header_.*one.entry);
      THAW_TRY(memory_.write(arch::instruction_address(function), code.data(), code.size()));
    }
    return {};
  }

 private:
  Result<void> read_environment() {
    THAW_ASSIGN(stat, read_file("/proc/" + std::to_string(child_) + "/stat"));
    const auto fields = stat_fields(stat);
    if (fields.size() < 49) return Error{0, "cannot understand /proc/PID/stat"};
    environment_.start = number(fields[47]);  // env_start and env_end (proc_pid_stat(5)).
    environment_.end = number(fields[48]);
    uintptr_t count = 0;
    THAW_TRY(memory_.read(first_stack_, &count, sizeof(count)));
    environment_.array = first_stack_ + (count + 2) * sizeof(uintptr_t);
    constexpr size_t kMostVariables = 1 << 16;
    for (uint64_t at = environment_.array;; at += sizeof(uintptr_t)) {
      uintptr_t pointer = 0;
      THAW_TRY(memory_.read(at, &pointer, sizeof(pointer)));
      if (pointer == 0) break;
      if (environment_.pointers.size() == kMostVariables) return Error{0, "no end of variables"};
      environment_.pointers.push_back(pointer);
    }
    environment_.strings.resize(environment_.end - environment_.start);
    return memory_.read(environment_.start, environment_.strings.data(),
                        environment_.strings.size());
  }

  Result<uint64_t> syscall_instruction() {
    for (const bool of_kernel : {true, false})
      for (const proc::Vma& vma : vmas_) {
        const bool kernels = vma.path == "[vdso]" || vma.path == "[sigpage]";
        if ((vma.prot & PROT_EXEC) == 0 || kernels != of_kernel) continue;
        std::vector<uint8_t> bytes(std::min<uint64_t>(vma.size(), 4 << 20));
        if (!memory_.read(vma.start, bytes.data(), bytes.size())) continue;
        const ptrdiff_t at = arch::find_syscall_instruction(bytes);
        if (at >= 0) return vma.start + static_cast<uint64_t>(at);
      }
    return Error{0, "the app has no code with a system call instruction"};
  }

  Result<uint64_t> call(RemoteSyscalls& remote, long number, uint64_t a, uint64_t b, uint64_t c = 0,
                        uint64_t d = 0, uint64_t e = 0) {
    THAW_ASSIGN(result, remote.call(number, a, b, c, d, e, 0));
    if (result < 0 && result >= -4095) return Error{static_cast<int>(-result), "a call failed"};
    return static_cast<uint64_t>(result) & ~uintptr_t{0};
  }

  Result<uint64_t> map(RemoteSyscalls& remote, uint64_t size, uint64_t fd) {
#ifdef SYS_mmap2
    constexpr long kMmap = SYS_mmap2;
#else
    constexpr long kMmap = SYS_mmap;
#endif
    const uint64_t flags = MAP_PRIVATE | (fd == ~uint64_t{0} ? MAP_ANONYMOUS : 0);
    return call(remote, kMmap, 0, size, PROT_READ | PROT_WRITE, flags, fd);
  }

  /// The strings in a mapping of a file, of which no page is present until somebody reads it, and
  /// stays so then.
  Result<void> map_strings(RemoteSyscalls& remote) {
    const uint64_t size = round_up(environment_.strings.size(), page_);
    if (size == 0) return {};
    THAW_TRY(remote.write_scratch("thaw-environ", sizeof("thaw-environ")));
    THAW_ASSIGN(fd, call(remote, SYS_memfd_create, remote.scratch(), MFD_CLOEXEC));
    const std::string path = "/proc/" + std::to_string(child_) + "/fd/" + std::to_string(fd);
    UniqueFd file(open(path.c_str(), O_RDWR | O_CLOEXEC));
    const auto bytes = static_cast<ssize_t>(environment_.strings.size());
    if (!file.valid() || ftruncate(file.get(), static_cast<off_t>(size)) != 0 ||
        pwrite(file.get(), environment_.strings.data(), environment_.strings.size(), 0) != bytes)
      return errno_error("cannot write the app's environment");
    THAW_ASSIGN(start, map(remote, size, fd));
    strings_ = start;
    strings_size_ = size;
    THAW_TRY(call(remote, SYS_close, fd, 0));
    constexpr uint64_t kLockOnFault = 1;  // MLOCK_ONFAULT
    THAW_TRY(call(remote, SYS_mlock2, start, size, kLockOnFault));
    return {};
  }

  Result<void> map_shim(RemoteSyscalls& remote) {
    std::vector<uint8_t> code(thaw_shim_start, thaw_shim_end);
    code.resize(round_up(code.size(), page_));
    const uint64_t data_size = round_up(sizeof(shim::Lookups) + kNamesRoom, page_);
    THAW_ASSIGN(area, map(remote, code.size() + data_size, ~uint64_t{0}));
    code_ = area;
    memcpy(&header_, code.data(), sizeof(header_));
    header_.tables = area + code.size();
    memcpy(code.data(), &header_, sizeof(header_));
    THAW_ASSIGN(tables, make_tables());
    THAW_TRY(memory_.write(area, code.data(), code.size()));
    THAW_TRY(memory_.write(header_.tables, &tables, sizeof(tables)));
    THAW_TRY(call(remote, SYS_mprotect, area, code.size(), PROT_READ | PROT_EXEC));
    return {};
  }

  Result<shim::Lookups> make_tables() {
    shim::Lookups tables = {};
    memcpy(tables.magic, shim::kLookupsMagic, sizeof(tables.magic));
    tables.environ_address = environ_of(memory_, child_, vmas_, libc_);
    const elf::Symbol* errno_location = libc_.find("__errno_location");
    if (errno_location == nullptr) return Error{0, "libc has another form"};
    tables.errno_location = errno_location->address;
    tables.traced_start = strings_;
    tables.traced_end = strings_ + strings_size_;
    tables.quiet_start = environment_.start;
    tables.room = kNamesRoom;
    static_assert(std::size(kReplacements) == std::size(shim::Lookups{}.replaced));
    for (size_t i = 0; i < std::size(kReplacements); ++i) {
      auto& replaced = tables.replaced[i];
      replaced.address = arch::instruction_address(libc_.find(kReplacements[i].name)->address);
      THAW_TRY(memory_.read(replaced.address, replaced.bytes, sizeof(replaced.bytes)));
    }
    return tables;
  }

  pid_t child_;
  uint64_t first_stack_;
  const Memory& memory_;
  const elf::Module& libc_;
  std::span<const proc::Vma> vmas_;
  uint64_t page_;
  StackEnvironment environment_;
  uint64_t strings_ = 0, strings_size_ = 0, code_ = 0;
  BlobHeader header_ = {};
};

/// Once libc is mapped as a whole: none of its functions has run yet.
Result<void> install(pid_t child, uint64_t first_stack) {
  THAW_ASSIGN(memory, Memory::open(child));
  const std::vector<proc::Vma> vmas = mappings_of(child);
  const auto libc = find_glibc(memory, vmas);
  if (!libc) return Error{EAGAIN, "there is no libc yet"};
  Installer installer(child, first_stack, memory, *libc, vmas);
  THAW_TRY(installer.run());
  return installer.switch_over();
}

/// The code of glibc's loader, by its name; empty without it.
AddressRange loader_of(pid_t child) {
  for (const proc::Vma& vma : mappings_of(child)) {
    const std::string_view name = base_name(vma.path);
    if ((vma.prot & PROT_EXEC) != 0 && (name.starts_with("ld-linux") || name.starts_with("ld-2.")))
      return {vma.start, vma.end};
  }
  return {};
}

}  // namespace

void Installation::executed(pid_t child) {
  auto registers = arch::read_registers(child);
  // At its start it points to argc (the ABI of each CPU).
  first_stack_ = registers ? arch::stack_pointer(registers.value()) : 0;
  loader_ = loader_of(child);
}

bool Installation::is_over(pid_t child) const {
  auto registers = arch::read_registers(child);
  if (!registers) return true;
  const uint64_t pc = arch::program_counter(registers.value());
  return pc < loader_.start || pc >= loader_.end;
}

bool Installation::attempt(pid_t child) const {
  auto installed = install(child, first_stack_);
  return installed || installed.error().err != EAGAIN;
}

Result<void> begin_watch(pid_t child) {
  constexpr uintptr_t kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
  // It waits in the kernel until it is let go, and shall not execute its program unseen then.
  int status = 0;
  if (ptrace(PTRACE_SEIZE, child, nullptr, reinterpret_cast<void*>(kOptions)) == 0 &&
      ptrace(PTRACE_INTERRUPT, child, nullptr, nullptr) == 0 &&
      waitpid(child, &status, __WALL) == child && WIFSTOPPED(status))
    return {};
  return errno_error("cannot watch the app's look-ups in its environment");
}

void install_watch(pid_t child) {
  std::optional<Installation> installation;
  bool within = false;
  for (int i = 0; i < kMostStops; ++i) {
    bool executed = false;
    if (!next_stop(child, executed)) return;
    within = executed || !within;  // The end of execve(2) is next.
    if (executed)
      installation.emplace().executed(child);
    else if (installation &&
             (installation->is_over(child) || (!within && installation->attempt(child))))
      break;
  }
  ptrace(PTRACE_DETACH, child, nullptr, nullptr);
}

}  // namespace thaw::lookups
