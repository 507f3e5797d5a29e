#include "shim/call_sites.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include <cstring>
#include <optional>
#include <string_view>

#include "shim/program_code.h"

namespace thaw::shim {
namespace {

/// Those that <cpu>/site.S leads to the shim.
constexpr uint64_t kGuardedCalls[] = {
#ifdef SYS_mmap
    SYS_mmap,
#endif
#ifdef SYS_mmap2
    SYS_mmap2,
#endif
    SYS_mprotect, SYS_munmap, SYS_mremap, SYS_madvise, SYS_pkey_mprotect,
};

bool is_of_kernel(const proc::Vma& vma) {
  constexpr std::string_view kNames[] = {"[vdso]", "[vsyscall]", "[vectors]", "[sigpage]"};
  return std::find(std::begin(kNames), std::end(kNames), vma.path) != std::end(kNames);
}

/// The program that all executable memory is of.
Result<StaticProgram> find_program(const CallSiteInput& input) {
  for (const proc::Vma& vma : input.vmas) {
    const auto program = vma.shared || (vma.prot & PROT_READ) == 0
                             ? std::nullopt
                             : read_static_program(vma.start, input.read, input.page_size);
    if (!program) continue;
    for (const proc::Vma& other : input.vmas)
      if ((other.prot & PROT_EXEC) != 0 && !is_of_kernel(other) &&
          (other.start < program->code.start || other.end > program->code.end))
        return Error{0, "it has executable memory beside its program"};
    return *program;
  }
  return Error{0, "it is no static program, and has no libc that could be redirected"};
}

/// As its compiler made it.
void undo(arch::Code& code, std::span<const ChangedSite> changes) {
  for (const ChangedSite& change : changes)
    if (change.size <= sizeof(change.bytes) && code.holds(change.start) &&
        change.size <= code.end() - change.start)
      memcpy(&code.bytes[change.start - code.start], change.bytes, change.size);
}

Result<arch::Code> code_of(const StaticProgram& program, const CallSiteInput& input) {
  UniqueFd file;
  for (const proc::Vma& vma : input.vmas)
    if (vma.start == program.start && vma.is_file()) file = input.open(vma);
  arch::Code code;
  code.start = program.code.start;
  code.bytes.resize(program.code.size());
  THAW_TRY(input.read(code.start, code.bytes.data(), code.bytes.size()));
  undo(code, input.changed_before);
  Contents contents = contents_of(program, input.read, file.get());
  code.functions = std::move(contents.functions);
  code.marks = std::move(contents.marks);
  code.go = contents.go;
  code.pointers = pointers_to_code(program, input.read);
  code.read = [read = input.read](uint64_t address, void* out, size_t size) {
    return read(address, out, size).ok();
  };
  return code;
}

}  // namespace

std::vector<AddressRange> CallSites::changed_code() const {
  std::vector<AddressRange> ranges;
  for (const arch::CallSite& site : changed)
    ranges.push_back({site.changed_from, site.changed_from + arch::kSiteJumpSize});
  return ranges;
}

bool CallSites::evades(const arch::Registers& registers) const {
  const uint64_t pc = arch::program_counter(registers);
  const auto number = arch::number_called_in_place(registers);
  const bool guarded = number && std::find(std::begin(kGuardedCalls), std::end(kGuardedCalls),
                                           *number) != std::end(kGuardedCalls);
  // It stands between moved code and the instruction, which stays where it was.
  return std::any_of(changed.begin(), changed.end(), [&](const arch::CallSite& site) {
    return pc == site.address ? guarded : pc > site.changed_from && pc < site.address;
  });
}

Result<CallSites> find_call_sites(const CallSiteInput& input) {
  THAW_ASSIGN(program, find_program(input));
  THAW_ASSIGN(code, code_of(program, input));
  if (code.functions.empty())
    return Error{0, "nothing tells where its functions are (it has no symbols)"};
  THAW_ASSIGN(sites, arch::find_call_sites(code));
  const bool has_heap = std::any_of(input.vmas.begin(), input.vmas.end(),
                                    [](const proc::Vma& vma) { return vma.path == "[heap]"; });
  const bool heap_grows = has_heap || code.go != arch::GoShare::all;
  CallSites found = {std::move(code), heap_grows, {}};
  for (const arch::CallSite& site : sites) {
    if (!site.may_call(kGuardedCalls)) continue;
    if (site.changed_from == 0)
      return arch::error_at("there is no room for a jump before its system call", site.address);
    found.changed.push_back(site);
  }
  return found;
}

}  // namespace thaw::shim
