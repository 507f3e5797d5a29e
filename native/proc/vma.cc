#include "proc/vma.h"

#include <dirent.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <memory>

#include "support/file.h"

namespace thaw::proc {
namespace {

uint32_t prot_of(std::string_view permissions) {
  return (permissions[0] == 'r' ? PROT_READ : 0u) | (permissions[1] == 'w' ? PROT_WRITE : 0u) |
         (permissions[2] == 'x' ? PROT_EXEC : 0u);
}

/// A file that was made under one name, linked under another in the same folder and unlinked there,
/// as sem_open(3) makes semaphores, is a file with a name.
void find_other_name(Vma& vma) {
  const size_t slash = vma.path.rfind('/');
  if (slash == 0 || slash == std::string::npos || vma.path == "/dev/zero") return;
  const std::string folder = vma.path.substr(0, slash + 1);
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(opendir(folder.c_str()), closedir);
  while (listing != nullptr) {
    const dirent64* entry = readdir64(listing.get());
    if (entry == nullptr) return;
    const std::string name = folder + entry->d_name;
    struct stat64 status = {};
    if (entry->d_ino != vma.ino || lstat64(name.c_str(), &status) != 0 ||
        status.st_ino != vma.ino || status.st_dev != vma.dev || !S_ISREG(status.st_mode))
      continue;
    vma.path = name;
    vma.deleted = false;
    return;
  }
}

/// "7f..-7f.. r-xp 00001000 08:01 1234   /path with blanks (deleted)"
Vma parse_header(std::string_view line) {
  Vma vma;
  const auto parts = split(line, " ");
  const AddressRange range = address_range(line);
  vma.start = range.start;
  vma.end = range.end;
  vma.prot = prot_of(parts[1]);
  vma.shared = parts[1][3] == 's';
  vma.offset = number(parts[2], 16);
  const size_t colon = parts[3].find(':');
  vma.dev = makedev(number(parts[3].substr(0, colon), 16), number(parts[3].substr(colon + 1), 16));
  vma.ino = number(parts[4]);
  if (parts.size() > 5) vma.path = line.substr(static_cast<size_t>(parts[5].data() - line.data()));
  constexpr std::string_view kDeleted = " (deleted)";
  if (vma.path.ends_with(kDeleted)) {
    vma.deleted = true;
    vma.path.resize(vma.path.size() - kDeleted.size());
    if (vma.shared && vma.is_file()) find_other_name(vma);
  }
  return vma;
}

bool is_header(std::string_view line) {
  const size_t blank = line.find(' ');
  return blank != std::string_view::npos && blank > 0 && line[blank - 1] != ':' &&
         line.substr(0, blank).find('-') != std::string_view::npos;
}

void add_detail(Vma& vma, std::string_view line) {
  auto kilobytes = [line](std::string_view key) { return number(trim(line.substr(key.size()))); };
  if (line.starts_with("Rss:")) vma.resident_kb = kilobytes("Rss:");
  if (line.starts_with("Anonymous:")) vma.anonymous_kb = kilobytes("Anonymous:");
  if (line.starts_with("Swap:")) vma.swap_kb = kilobytes("Swap:");
  if (line.starts_with("ProtectionKey:"))
    vma.key = static_cast<uint32_t>(kilobytes("ProtectionKey:")) & 15;
  if (!line.starts_with("VmFlags:")) return;
  vma.flags = trim(line.substr(8));
  constexpr uint32_t kProtBti = 0x10;  // AArch64: branch targets are guarded
  if (vma.has("bt")) vma.prot |= kProtBti;
}

}  // namespace

bool Vma::has(std::string_view flag) const {
  for (size_t i = 0; i + 1 < flags.size(); i += 3)
    if (flags.compare(i, 2, flag) == 0) return true;
  return false;
}

Result<std::vector<Vma>> read_mappings(pid_t pid) {
  THAW_ASSIGN(text, read_file("/proc/" + std::to_string(pid) + "/maps"));
  std::vector<Vma> vmas;
  for (const std::string_view line : split(text, "\n")) vmas.push_back(parse_header(line));
  return vmas;
}

Result<std::vector<Vma>> read_vmas(pid_t pid) {
  THAW_ASSIGN(text, read_file("/proc/" + std::to_string(pid) + "/smaps"));
  std::vector<Vma> vmas;
  for (const std::string_view line : split(text, "\n")) {
    if (is_header(line))
      vmas.push_back(parse_header(line));
    else if (!vmas.empty())
      add_detail(vmas.back(), line);
  }
  if (vmas.empty())
    return Error{
        0, "process " + std::to_string(pid) + " has no memory: is it a kernel thread or a zombie?"};
  return vmas;
}

}  // namespace thaw::proc
