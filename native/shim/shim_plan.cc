#include "shim/shim_plan.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>

#include "arch/arch.h"
#include "elf/elf_module.h"
#include "shim/tables.h"

extern "C" const char thaw_shim_start[], thaw_shim_end[];

namespace thaw::shim {
namespace {

/// A function of libc and the shim's entry that takes its place. All but the optional ones must be
/// there.
struct Redirection {
  const char* name;
  uint32_t BlobHeader::*entry;
  bool optional;
  bool of_segments = false;
};

constexpr Redirection kRedirections[] = {
    {"madvise", &BlobHeader::madvise, false},   {"posix_madvise", &BlobHeader::posix_madvise, true},
    {"mremap", &BlobHeader::mremap, false},     {"mmap", &BlobHeader::mmap, false},
    {"mmap64", &BlobHeader::mmap64, true},      {"munmap", &BlobHeader::munmap, false},
    {"mprotect", &BlobHeader::mprotect, false}, {"pkey_mprotect", &BlobHeader::pkey_mprotect, true},
    {"syscall", &BlobHeader::syscall, false},   {"shmget", &BlobHeader::shmget, true, true},
    {"shmat", &BlobHeader::shmat, true, true},  {"shmctl", &BlobHeader::shmctl, true, true},
};

struct GuardName {
  const char* name;
  GuardBit bit;
};

constexpr GuardName kGuardNames[] = {
    {"dontneed", kGuardDontneed}, {"free", kGuardFree},     {"wipeonfork", kGuardWipeonfork},
    {"mremap", kGuardMremap},     {"munmap", kGuardMunmap}, {"mprotect", kGuardMprotect},
    {"syscall", kGuardSyscall},
};

uint64_t round_up(uint64_t value, uint64_t unit) {
  return (value + unit - 1) / unit * unit;
}

/// Whether `needed` bytes from the function's entry on are its own: by its size or, where the
/// symbol does not tell that, by where the next function begins.
bool has_room(const elf::Module& module, const elf::Symbol& function, uint64_t needed) {
  if (function.size >= needed) return true;
  const uint64_t entry = arch::instruction_address(function.address);
  for (const elf::Symbol& other : module.symbols()) {
    const uint64_t start = arch::instruction_address(other.address);
    if (start > entry && start < entry + needed) return false;
  }
  // Functions are aligned; padding is free.
  return function.size == 0 || round_up(function.size, 16) >= needed;
}

std::optional<Libc> as_libc(const elf::Module& module, bool segments) {
  const elf::Symbol* errno_location = module.find("__errno_location");
  if (errno_location == nullptr) return {};
  Libc libc;
  libc.errno_location = errno_location->address;
  libc.of_segments = segments && sizeof(long) == sizeof(uint64_t);
  for (const Redirection& redirection : kRedirections) {
    if (redirection.of_segments && !libc.of_segments) {
      libc.functions.emplace_back();
      continue;
    }
    const elf::Symbol* function = module.find(redirection.name);
    if (function != nullptr && !has_room(module, *function, arch::kJumpSize)) {
      if (!redirection.optional) return {};
      function = nullptr;
    }
    if (function == nullptr && !redirection.optional) return {};
    libc.functions.push_back(function == nullptr ? elf::Symbol{} : *function);
    if (redirection.of_segments && function == nullptr) return as_libc(module, false);
  }
  return libc;
}

/// Runtimes that make their memory calls themselves: Go's (also within a C program), the
/// sanitizers'.
bool bypasses_libc(const elf::Module& module) {
  for (const char* name : {"__asan_init", "__tsan_init", "__msan_init"})
    if (module.find(name) != nullptr) return true;
  return module.is_go();
}

bool is_off(const Input& input, std::string_view guard) {
  return std::find(input.guards_off.begin(), input.guards_off.end(), guard) !=
         input.guards_off.end();
}

uint8_t page_state(const GuardedRange& range) {
  return static_cast<uint8_t>((range.prot & kPageProt) | kPageFromImage |
                              (range.dont_fork ? kPageDontfork : 0) |
                              (range.dont_dump ? kPageDontdump : 0));
}

/// The addresses of handlers, and the stack on which they run, behind the other tables.
void add_fork_handlers(const Input& input, std::vector<uint8_t>& data, BlobHeader& header) {
  constexpr size_t kStack = 4096, kAlignment = 16;
  if (input.fork_handlers.empty()) return;
  data.resize(round_up(data.size(), kAlignment));
  const uint64_t place = header.tables + data.size();
  const size_t size = input.fork_handlers.size() * sizeof(uint64_t);
  Tables& tables = *reinterpret_cast<Tables*>(data.data());
  tables.fork_handlers = place;
  tables.fork_handler_count = input.fork_handlers.size();
  const auto* bytes = reinterpret_cast<const uint8_t*>(input.fork_handlers.data());
  data.insert(data.end(), bytes, bytes + size);
  data.resize(round_up(data.size() + kStack, kAlignment));
  header.fork_stack = header.tables + data.size();
}

/// What the changed sites were, and the stack on which their calls run, behind the other tables.
void add_call_sites(const CallSites& sites, std::vector<uint8_t>& data, BlobHeader& header) {
  constexpr size_t kStack = 16384, kAlignment = 16;
  data.resize(round_up(data.size(), kAlignment));
  const size_t place = data.size();
  data.resize(round_up(place + sites.changed.size() * sizeof(ChangedSite) + kStack, kAlignment));
  auto* change = reinterpret_cast<ChangedSite*>(&data[place]);
  for (const AddressRange& range : sites.changed_code()) {
    change->start = range.start;
    change->size = range.size();
    memcpy(change->bytes, &sites.code.bytes[range.start - sites.code.start], range.size());
    ++change;
  }
  Tables& tables = *reinterpret_cast<Tables*>(data.data());
  tables.changed_sites = header.tables + place;
  tables.changed_site_count = sites.changed.size();
  tables.site_stack = header.tables + data.size();
}

/// Stubs behind the blob, and the jumps that lead to them. Addresses do not change their sizes.
void redirect_sites(const Input& input, uint64_t site_entry, ShimPlan& plan) {
  const bool of_any = !is_off(input, "syscall");
  const CallSites& sites = *input.sites;
  for (const arch::CallSite& site : sites.changed) {
    if (site.numbers.empty() && !of_any) continue;
    plan.code.resize(round_up(plan.code.size(), sizeof(uint64_t)));
    const arch::SiteChange change =
        arch::change_call_site(sites.code, site, input.code_address + plan.code.size(), site_entry);
    plan.code.insert(plan.code.end(), change.stub.begin(), change.stub.end());
    plan.patches.push_back({site.changed_from, change.jump});
  }
}

std::vector<uint8_t> make_tables(const Input& input, uint64_t errno_location) {
  Tables tables = {};
  for (const GuardName& guard : kGuardNames)
    if (is_off(input, guard.name)) tables.off |= guard.bit;
  tables.errno_location = errno_location;
  tables.page_size = input.page_size;
  tables.range_count = input.ranges.size();
  for (const int id : input.segments)
    if (tables.segment_id_count < kMostSegmentIds)
      tables.segment_ids[tables.segment_id_count++] = {id, id};
  for (const KnownIpc& known : input.known_ipc)
    if (tables.known_ipc_count < kMostKnownIpc) tables.known_ipc[tables.known_ipc_count++] = known;
  std::vector<Range> ranges;
  std::vector<uint8_t> pages;
  for (const GuardedRange& guarded : input.ranges) {
    ranges.push_back({guarded.start, guarded.end, pages.size()});
    pages.resize(pages.size() + (guarded.end - guarded.start) / input.page_size,
                 page_state(guarded));
  }
  const size_t ranges_size = ranges.size() * sizeof(Range);
  std::vector<uint8_t> data(sizeof(tables) + ranges_size + pages.size());
  memcpy(data.data(), &tables, sizeof(tables));
  if (!ranges.empty()) memcpy(data.data() + sizeof(tables), ranges.data(), ranges_size);
  if (!pages.empty())
    memcpy(data.data() + sizeof(tables) + ranges_size, pages.data(), pages.size());
  return data;
}

/// mmap and mmap64 are one function where off_t has 64 bits.
std::vector<Patch> redirect(const Libc& libc, const BlobHeader& header, uint64_t code_address) {
  std::vector<Patch> patches;
  for (size_t i = 0; i < std::size(kRedirections); ++i) {
    const elf::Symbol& function = libc.functions[i];
    if (function.address == 0) continue;
    patches.push_back(
        {arch::instruction_address(function.address),
         arch::jump_code(function.address, code_address + header.*kRedirections[i].entry)});
  }
  std::sort(patches.begin(), patches.end(),
            [](const Patch& a, const Patch& b) { return a.address < b.address; });
  patches.erase(std::unique(patches.begin(), patches.end(),
                            [](const Patch& a, const Patch& b) { return a.address == b.address; }),
                patches.end());
  return patches;
}

}  // namespace

/// Looks for libc among all modules: each module's header stands at the start of a readable private
/// mapping.
std::optional<Libc> find_libc(std::span<const proc::Vma> vmas, const elf::ReadMemory& read,
                              bool segments) {
  for (const proc::Vma& vma : vmas) {
    if (!vma.is_file() || vma.shared || vma.offset != 0 || (vma.prot & PROT_READ) == 0) continue;
    const auto module = elf::Module::read(vma.start, read);
    if (!module) continue;
    if (bypasses_libc(module.value())) return {};
    if (auto libc = as_libc(module.value(), segments)) return libc;
  }
  return {};
}

std::vector<AddressRange> Libc::changed_code() const {
  std::vector<AddressRange> code;
  for (const elf::Symbol& function : functions) {
    if (function.address == 0) continue;
    const uint64_t start = arch::instruction_address(function.address);
    // The size of a jump does not depend on its target.
    code.push_back({start, start + arch::jump_code(function.address, 0).size()});
  }
  return code;
}

ShimPlan plan(const Input& input) {
  ShimPlan plan;
  plan.code.assign(thaw_shim_start, thaw_shim_end);
  BlobHeader header = {};
  memcpy(&header, plan.code.data(), sizeof(header));
  if (input.sites != nullptr) redirect_sites(input, input.code_address + header.site, plan);
  plan.code.resize(round_up(plan.code.size(), input.page_size));
  header.tables = input.code_address + plan.code.size();
  header.call = input.call_address;
  plan.data = make_tables(input, input.libc == nullptr ? 0 : input.libc->errno_location);
  add_fork_handlers(input, plan.data, header);
  if (input.sites != nullptr) add_call_sites(*input.sites, plan.data, header);
  memcpy(plan.code.data(), &header, sizeof(header));
  plan.start_cold_offset = header.start_cold;
  plan.signal_return_offset = header.signal_return;
  plan.park_offset = header.park;
  plan.finish_offset = header.finish;
  plan.leave_offset = header.leave;
  plan.park_word_offset = offsetof(Tables, park_words);
  plan.segment_ids_offset = offsetof(Tables, segment_ids);
  if (input.libc != nullptr) plan.patches = redirect(*input.libc, header, input.code_address);
  return plan;
}

}  // namespace thaw::shim
