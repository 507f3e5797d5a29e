#include "image/writer.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "image/hash.h"
#include "image/view.h"

namespace thaw::image {
namespace {

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<void> write_all(int fd, uint64_t offset, const void* bytes, size_t size) {
  const char* next = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t written = pwrite(fd, next, size, static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return errno_error("cannot write the image");
    next += written;
    offset += static_cast<uint64_t>(written);
    size -= static_cast<size_t>(written);
  }
  return {};
}

std::string temporary_name(const std::string& path) {
  return path + "." + std::to_string(getpid()) + ".tmp";
}

std::string link_of(const UniqueFd& fd) {
  return "/proc/self/fd/" + std::to_string(fd.get());
}

template <typename T>
void lay_out(Header& header, SectionId id, const std::vector<T>& table, uint64_t& end) {
  end = (end + 63) / 64 * 64;
  header.sections[static_cast<uint32_t>(id)] = {static_cast<uint32_t>(id), sizeof(T), end,
                                                table.size()};
  end += table.size() * sizeof(T);
}

/// A copy of the image on another device is told by its other inode.
void name_inode(int fd, const Builder& builder, const Header& header, std::vector<char>& metadata) {
  struct stat status = {};
  if (builder.requirements.empty() || fstat(fd, &status) != 0) return;
  model::Requirements needs = builder.requirements.front();
  needs.image_inode = status.st_ino;
  const auto& section = header.sections[static_cast<uint32_t>(SectionId::requirements)];
  memcpy(metadata.data() + section.offset, &needs, sizeof(needs));
}

uint64_t whole_pages(uint64_t size, const Header& header) {
  return (size + header.page_size - 1) / header.page_size * header.page_size;
}

/// Lays out the tables behind the page data, completes `header` and writes both.
Result<void> write_metadata(int fd, const Builder& builder, Header& header) {
  uint64_t size = 0;
#define X(name, type) lay_out(header, SectionId::name, builder.name, size);
  THAW_HEAD_SECTIONS(X)
  header.tail_offset = size = whole_pages(size, header);
  THAW_TAIL_SECTIONS(X)
#undef X
  header.metadata_size = whole_pages(size, header);
  header.file_size = header.metadata_offset + header.metadata_size;

  std::vector<char> metadata(header.metadata_size);
#define X(name, type)                                                                        \
  if (!builder.name.empty())                                                                 \
    memcpy(metadata.data() + header.sections[static_cast<uint32_t>(SectionId::name)].offset, \
           builder.name.data(), builder.name.size() * sizeof(type));
  THAW_SECTIONS(X)
#undef X
  name_inode(fd, builder, header, metadata);
  header.tail_hash = tail_hash(header, metadata.data());
  header.metadata_hash = metadata_hash(header, metadata.data());
  THAW_TRY(write_all(fd, header.metadata_offset, metadata.data(), metadata.size()));
  return write_all(fd, 0, &header, sizeof(header));
}

}  // namespace

Result<void> set_working_set(const std::string& path, std::vector<model::FeedRun> runs) {
  THAW_ASSIGN(view, View::open(path.c_str()));
  Builder builder = records_of(view);
  builder.feed_runs = std::move(runs);
  UniqueFd found(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat status = {};
  if (!found.valid() || fstat(found.get(), &status) != 0 ||
      fchmod(found.get(), status.st_mode | S_IWUSR) != 0)
    return errno_error("cannot write to the image " + path);
  UniqueFd fd(open(link_of(found).c_str(), O_RDWR | O_CLOEXEC));
  if (!fd.valid()) return errno_error("cannot write to the image " + path);
  Header header = view.header();
  THAW_TRY(write_metadata(fd.get(), builder, header));
  if (ftruncate(fd.get(), static_cast<off_t>(header.file_size)) != 0 ||
      fchmod(fd.get(), status.st_mode) != 0 || fsync(fd.get()) != 0)
    return errno_error("cannot write the working set to the image " + path);
  return {};
}

Writer::Writer(UniqueFd fd, std::string path, std::string temporary, size_t page_size)
    : fd_(std::move(fd)),
      path_(std::move(path)),
      temporary_(std::move(temporary)),
      page_size_(page_size),
      blocks_(std::make_unique<DataBlocks>()) {}

Writer::Writer(Writer&&) noexcept = default;

Writer::~Writer() {
  if (fd_.valid() && !temporary_.empty()) unlink(temporary_.c_str());
}

Result<Writer> Writer::create(std::string path, size_t page_size) {
  // The file has no name until it is whole, so even SIGKILL leaves nothing behind. Not every file
  // system has files without a name.
  UniqueFd fd(open(folder_of(path).c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0400));
  if (fd.valid()) return Writer(std::move(fd), std::move(path), "", page_size);
  std::string temporary = temporary_name(path);
  unlink(temporary.c_str());
  fd.reset(open(temporary.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600));
  if (!fd.valid()) return errno_error("cannot create the image " + path);
  return Writer(std::move(fd), std::move(path), std::move(temporary), page_size);
}

Result<void> Writer::write(uint64_t offset, const void* pages, size_t size) {
  for (size_t done = 0; done < size; done += page_size_)
    blocks_->add(offset + done, static_cast<const char*>(pages) + done, page_size_);
  return write_all(fd_.get(), offset, pages, size);
}

Result<Header> Writer::finish(const Builder& builder, uint64_t metadata_offset, uint32_t cpu) {
  Header header;
  memcpy(header.magic, kMagic, sizeof(kMagic));
  header.version = kVersion;
  header.cpu = cpu;
  header.page_size = static_cast<uint32_t>(page_size_);
  header.section_count = static_cast<uint32_t>(SectionId::count);
  header.metadata_offset = metadata_offset;
  header.layouts = builder.layouts;
  if (builder.id)
    std::copy(builder.id->begin(), builder.id->end(), header.id);
  else if (getrandom(header.id, sizeof(header.id), 0) != sizeof(header.id))
    return errno_error("cannot get random bytes for the image's id");

  Builder complete = builder;
  complete.data_blocks = blocks_->take();
  THAW_TRY(write_metadata(fd_.get(), complete, header));
  THAW_TRY(publish());
  return header;
}

/// Before the image has its name: nobody finds it with another owner or mode.
Result<void> Writer::share() const {
  // It is the app's memory: its owner alone may read it, until the owner shares it.
  if (fchmod(fd_.get(), 0400) != 0) return errno_error("cannot make the image read-only");
  if (owner_ && (fchown(fd_.get(), owner_->st_uid, owner_->st_gid) != 0 ||
                 fchmod(fd_.get(), owner_->st_mode & 07777) != 0))
    return errno_error("cannot give the image its owner and mode");
  return {};
}

Result<void> Writer::publish() {
  THAW_TRY(share());
  if (fsync(fd_.get()) != 0) return errno_error("cannot write the image to the disk");
  if (temporary_.empty()) {
    const std::string self = link_of(fd_);
    std::string name = temporary_name(path_);
    unlink(name.c_str());
    if (linkat(AT_FDCWD, self.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) != 0)
      return errno_error("cannot name the image " + name);
    temporary_ = std::move(name);
  }
  if (rename(temporary_.c_str(), path_.c_str()) != 0)
    return errno_error("cannot rename the image to " + path_);
  temporary_.clear();
  UniqueFd folder(open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.valid()) fsync(folder.get());  // The name must survive a power cut as well.
  return {};
}

}  // namespace thaw::image
