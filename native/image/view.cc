#include "image/view.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "image/hash.h"
#include "image/validate.h"
#include "support/readable.h"

namespace thaw::image {
namespace {

constexpr uint64_t kMaxMetadata = uint64_t{256} << 20;

Error bad(const char* path, std::string_view what) {
  return Error{0, std::string(path) + ": " + std::string(what),
               "make the image again (thaw build) or copy it again"};
}

bool is_page_size(uint32_t size) {
  return size >= 4096 && size <= 65536 && (size & (size - 1)) == 0;
}

/// First of all: of another version, nothing else of the header can be told.
Result<void> check_version(const char* path, const Header& header) {
  if (memcmp(header.magic, kMagic, sizeof(kMagic)) != 0)
    return bad(path, "this is not a thaw image");
  if (header.version == kVersion) return {};
  return Error{0,
               std::string(path) + ": the image has format version " +
                   std::to_string(header.version) + ", this thaw has version " +
                   std::to_string(kVersion),
               "build the image again (thaw build)"};
}

const char* header_problem(const Header& header, uint64_t file_size) {
  if (header.section_count != static_cast<uint32_t>(SectionId::count))
    return "the image has another number of sections";
  if (header.layouts == 0 || header.layouts > kMostLayouts)
    return "the image has an impossible number of layouts";
  if (!is_page_size(header.page_size)) return "the image has an impossible page size";
  if (header.file_size != file_size) return "the image is truncated or has bytes added";
  if (header.metadata_offset % header.page_size != 0 || header.metadata_offset < header.page_size ||
      header.metadata_offset > file_size ||
      header.metadata_size != file_size - header.metadata_offset)
    return "the image's metadata lies outside the file";
  if (header.metadata_size > kMaxMetadata) return "the image's metadata is impossibly large";
  if (header.tail_offset > header.metadata_size || header.tail_offset % header.page_size != 0)
    return "the image's metadata ends nowhere";
  return nullptr;
}

template <typename T>
bool section_fits(const Header& header, SectionId id, uint64_t start, uint64_t end) {
  const Section& s = header.sections[static_cast<uint32_t>(id)];
  return s.id == static_cast<uint32_t>(id) && s.record_size == sizeof(T) &&
         s.offset % alignof(T) == 0 && s.offset >= start && s.offset <= end &&
         s.count <= (end - s.offset) / sizeof(T);
}

const char* section_problem(const Header& header) {
#define X(name, type)                                                      \
  if (!section_fits<type>(header, SectionId::name, 0, header.tail_offset)) \
    return "the image's section '" #name "' is broken";
  THAW_HEAD_SECTIONS(X)
#undef X
#define X(name, type)                                                                         \
  if (!section_fits<type>(header, SectionId::name, header.tail_offset, header.metadata_size)) \
    return "the image's section '" #name "' is broken";
  THAW_TAIL_SECTIONS(X)
#undef X
  return nullptr;
}

}  // namespace

View::View(View&& other) noexcept
    : fd_(std::move(other.fd_)),
      header_(other.header_),
      base_(std::exchange(other.base_, nullptr)),
      filtered_(other.filtered_),
      has_tail_(other.has_tail_) {}

View::~View() {
  if (base_ != nullptr) munmap(const_cast<char*>(base_), header_.metadata_size);
}

/// A launch that meets a page that the storage cannot give is to be a cold start.
Result<void> View::read(uint64_t start, uint64_t end, const char* path) const {
  if (start == end) return {};
  // Only these bytes are asked for: a fault would have the storage read what lies around it, too.
  if (!filtered_)
    posix_fadvise(fd(), static_cast<off_t>(header_.metadata_offset + start),
                  static_cast<off_t>(end - start), POSIX_FADV_WILLNEED);
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const auto base = reinterpret_cast<uintptr_t>(base_);
  const bool can_be_read = make_readable(base + start, end - start, page, [&](uint64_t at) {
    if (filtered_) {
      char bytes[kSignalSet];
      const auto size = std::min<uint64_t>(sizeof(bytes), base + end - at);
      return pread(fd(), bytes, size, static_cast<off_t>(header_.metadata_offset + at - base)) ==
             static_cast<ssize_t>(size);
    }
    return syscall(SYS_rt_sigprocmask, kReadOnly, static_cast<long>(at), nullptr, kSignalSet) ==
               0 ||
           errno != EFAULT;
  });
  if (can_be_read) return {};
  return Error{EIO, std::string("cannot read the image's metadata, ") + path,
               "look at the storage; make the image again (thaw build) or copy it again"};
}

Result<void> View::read_tail(const char* path) {
  if (has_tail_) return {};
  THAW_TRY(read(header_.tail_offset, header_.metadata_size, path));
  if (tail_hash(header_, base_) != header_.tail_hash)
    return bad(path, "the image's list of inputs does not match its checksum");
  has_tail_ = true;
  const char* problem = validate_tail(*this);
  has_tail_ = problem == nullptr;
  return has_tail_ ? Result<void>() : bad(path, problem);
}

Result<View> View::open(const char* path) {
  UniqueFd fd(::open(path, O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return errno_error(std::string("cannot open the image ") + path);
  return open(std::move(fd), path, {});
}

Result<View> View::open(UniqueFd fd, const char* path, Reading reading) {
  struct stat status = {};
  Header header;
  if (fstat(fd.get(), &status) != 0)
    return errno_error(std::string("cannot stat the image ") + path);
  if (!S_ISREG(status.st_mode)) return bad(path, "this is not a regular file");
  if (pread(fd.get(), &header, sizeof(header), 0) != ssize_t{sizeof(header)})
    return bad(path, "the image is shorter than its header");
  THAW_TRY(check_version(path, header));
  if (const char* problem = header_problem(header, static_cast<uint64_t>(status.st_size)))
    return bad(path, problem);
  if (const char* problem = section_problem(header)) return bad(path, problem);

  // On a kernel with larger pages than the image's, nothing of it can be mapped.
  if (const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE)); page > header.page_size)
    return Error{0,
                 "the image was made with pages of " + std::to_string(header.page_size) +
                     " bytes, this kernel has " + std::to_string(page),
                 "build it with this kernel"};
  void* base = mmap(nullptr, header.metadata_size, PROT_READ, MAP_PRIVATE, fd.get(),
                    static_cast<off_t>(header.metadata_offset));
  if (base == MAP_FAILED) return errno_error(std::string("cannot map the image ") + path);
  View view(std::move(fd), header, static_cast<const char*>(base), reading.filtered);
  THAW_TRY(view.read(0, header.tail_offset, path));
  if (metadata_hash(header, base) != header.metadata_hash)
    return bad(path, "the image's metadata does not match its checksum");
  if (const char* problem = validate(view)) return bad(path, problem);
  if (reading.tail) THAW_TRY(view.read_tail(path));
  return view;
}

}  // namespace thaw::image
