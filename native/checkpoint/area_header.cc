#include "checkpoint/area_header.h"

#include <sys/mman.h>

#include <climits>
#include <cstring>

namespace thaw::checkpoint {
namespace {

constexpr char kMagic[16] = "THAW AREA v1\n";
constexpr uint64_t kMostBytes = uint64_t{1} << 30;

struct Fixed {
  char magic[16];
  uint64_t size;
  uint64_t program_size;
};

std::optional<AreaHeader> read_header(const ProcessCapture& process, const Vma& vma) {
  Fixed fixed = {};
  if (vma.prot != PROT_READ || vma.shared || vma.size() < sizeof(fixed) ||
      !process.memory.read(vma.start, &fixed, sizeof(fixed)) ||
      memcmp(fixed.magic, kMagic, sizeof(kMagic)) != 0 || fixed.size > kMostBytes ||
      fixed.program_size > PATH_MAX)
    return {};
  AreaHeader header = {vma.start, fixed.size, std::string(fixed.program_size, '\0')};
  if (!process.memory.read(vma.start + sizeof(fixed), header.program.data(), header.program.size()))
    return {};
  return header;
}

}  // namespace

std::vector<uint8_t> area_header(const AreaHeader& header) {
  Fixed fixed = {};
  memcpy(fixed.magic, kMagic, sizeof(kMagic));
  fixed.size = header.size;
  fixed.program_size = header.program.size();
  std::vector<uint8_t> bytes(sizeof(fixed) + header.program.size());
  memcpy(bytes.data(), &fixed, sizeof(fixed));
  memcpy(bytes.data() + sizeof(fixed), header.program.data(), header.program.size());
  return bytes;
}

std::optional<AreaHeader> find_area(const ProcessCapture& process) {
  for (const Vma& vma : process.vmas)
    if (auto header = read_header(process, vma)) return header;
  return {};
}

std::optional<shim::Tables> find_tables(const ProcessCapture& process) {
  const auto area = find_area(process);
  if (!area) return {};
  shim::BlobHeader header = {};
  shim::Tables tables = {};
  for (const Vma& vma : process.vmas) {
    const bool code = vma.start >= area->start && vma.end <= area->start + area->size &&
                      (vma.prot & PROT_EXEC) != 0;
    if (code && process.memory.read(vma.start, &header, sizeof(header)) &&
        process.memory.read(header.tables, &tables, sizeof(tables)))
      return tables;
  }
  return {};
}

std::vector<shim::ChangedSite> changed_sites(const ProcessCapture& process) {
  constexpr uint64_t kMost = 1 << 16;
  const auto tables = find_tables(process);
  if (!tables || tables->changed_site_count > kMost) return {};
  std::vector<shim::ChangedSite> sites(tables->changed_site_count);
  if (!process.memory.read(tables->changed_sites, sites.data(), sites.size() * sizeof(sites[0])))
    return {};
  return sites;
}

}  // namespace thaw::checkpoint
