#include "lookups/target.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "lookups/lookups.h"
#include "support/file.h"

namespace thaw::lookups {
namespace {

constexpr const char* kNames[] = {"environ", "__environ", "_environ"};

bool is_glibc(const proc::Vma& vma) {
  const std::string_view name = base_name(vma.path);
  return vma.is_file() && !vma.shared &&
         (name.starts_with("libc.so.6") || name.starts_with("libc-2."));
}

const elf::Symbol* environ_in(const elf::Module& module) {
  for (const char* name : kNames)
    if (const elf::Symbol* variable = module.find_variable(name)) return variable;
  return nullptr;
}

elf::ReadMemory reader(const Memory& memory) {
  return [&memory](uint64_t address, void* out, size_t size) {
    return memory.read(address, out, size);
  };
}

}  // namespace

Result<Memory> Memory::open(pid_t pid) {
  UniqueFd fd(::open(("/proc/" + std::to_string(pid) + "/mem").c_str(), O_RDWR | O_CLOEXEC));
  if (!fd.valid()) return errno_error("cannot open the app's memory");
  return Memory(std::move(fd));
}

Result<void> Memory::read(uint64_t address, void* bytes, size_t size) const {
  if (pread64(fd_.get(), bytes, size, static_cast<off64_t>(address)) == static_cast<ssize_t>(size))
    return {};
  return errno_error("cannot read the app's memory");
}

Result<void> Memory::write(uint64_t address, const void* bytes, size_t size) const {
  if (pwrite64(fd_.get(), bytes, size, static_cast<off64_t>(address)) == static_cast<ssize_t>(size))
    return {};
  return errno_error("cannot write the app's memory");
}

std::optional<elf::Module> find_glibc(const Memory& memory, std::span<const proc::Vma> vmas) {
  const auto all_mapped = [vmas](uint64_t inode) {
    auto has = [vmas, inode](uint32_t prot) {
      return std::any_of(vmas.begin(), vmas.end(), [inode, prot](const proc::Vma& vma) {
        return is_glibc(vma) && vma.ino == inode && (vma.prot & prot) != 0;
      });
    };
    return has(PROT_EXEC) && has(PROT_WRITE);
  };
  for (const proc::Vma& vma : vmas) {
    if (!is_glibc(vma) || vma.offset != 0 || !all_mapped(vma.ino)) continue;
    auto module = elf::Module::read(vma.start, reader(memory));
    if (module && module.value().find("getenv") != nullptr && environ_in(module.value()) != nullptr)
      return module.take();
  }
  return {};
}

uint64_t environ_of(const Memory& memory, pid_t pid, std::span<const proc::Vma> vmas,
                    const elf::Module& libc) {
  auto exe = read_link("/proc/" + std::to_string(pid) + "/exe");
  for (const proc::Vma& vma : vmas) {
    if (!exe || vma.path != exe.value() || vma.offset != 0) continue;
    auto module = elf::Module::read(vma.start, reader(memory));
    if (!module) break;
    if (const elf::Symbol* copy = environ_in(module.value())) return copy->address;
    break;
  }
  return environ_in(libc)->address;
}

uint64_t find_environ(pid_t pid, std::span<const proc::Vma> vmas) {
  auto memory = Memory::open(pid);
  if (!memory) return 0;
  const auto libc = find_glibc(memory.value(), vmas);
  return libc ? environ_of(memory.value(), pid, vmas, *libc) : 0;
}

}  // namespace thaw::lookups
