// image-check [--any-hash] FILE: opens an image as a launch does, under the sanitizers, and reads
// all of its records. Exit status: 0 the image is accepted, 1 it is rejected (with the reason on
// stderr), 2 usage; anything else is a bug.
//
// With --any-hash a wrong checksum is put right first, in a copy: the checks behind the checksum
// must hold alone.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "image/hash.h"
#include "image/view.h"
#include "restore/check.h"

namespace {

using thaw::Error;
using thaw::Result;
using thaw::UniqueFd;
using thaw::image::Header;
using thaw::image::View;

Result<std::vector<char>> read_file(const char* path) {
  const UniqueFd fd(open(path, O_RDONLY | O_CLOEXEC));
  struct stat status = {};
  if (!fd.valid() || fstat(fd.get(), &status) != 0) return thaw::errno_error(path);
  std::vector<char> bytes(static_cast<size_t>(status.st_size));
  if (pread(fd.get(), bytes.data(), bytes.size(), 0) != status.st_size)
    return thaw::errno_error(path);
  return bytes;
}

/// Writes the checksum that the header's own offsets ask for, when they lie inside the file.
void correct_hash(std::vector<char>& bytes) {
  Header header;
  if (bytes.size() < sizeof(header)) return;
  memcpy(&header, bytes.data(), sizeof(header));
  if (header.metadata_offset > bytes.size() ||
      header.metadata_size > bytes.size() - header.metadata_offset)
    return;
  // On pages of its own, as a launch maps it: a read past its end is found.
  const std::vector<char> metadata(bytes.data() + header.metadata_offset,
                                   bytes.data() + header.metadata_offset + header.metadata_size);
  header.metadata_hash = thaw::image::metadata_hash(header, metadata.data());
  memcpy(bytes.data(), &header, sizeof(header));
}

Result<UniqueFd> copy_in_memory(const std::vector<char>& bytes) {
  UniqueFd fd(memfd_create("image", MFD_CLOEXEC));
  if (!fd.valid() ||
      write(fd.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
    return thaw::errno_error("memfd");
  return fd;
}

/// Touches every byte of every table and blob that the view gives out.
unsigned long sum_of(const View& view) {
  unsigned long sum = 0;
#define X(name, type)                                                                          \
  for (const char& byte :                                                                      \
       std::span(reinterpret_cast<const char*>(view.name().data()), view.name().size_bytes())) \
    sum += static_cast<unsigned char>(byte);
  THAW_SECTIONS(X)
#undef X
  return sum;
}

Result<View> open_image(const char* path, bool any_hash) {
  if (!any_hash) return View::open(path);
  THAW_ASSIGN(bytes, read_file(path));
  correct_hash(bytes);
  THAW_ASSIGN(copy, copy_in_memory(bytes));
  return View::open(std::move(copy), path);
}

int check(const char* path, bool any_hash) {
  auto view = open_image(path, any_hash);
  if (!view) {
    fprintf(stderr, "%s\n", view.error().text().c_str());
    return 1;
  }
  if (auto fit = thaw::restore::check_launch(view.value()); !fit) {
    fprintf(stderr, "%s\n", fit.error().text().c_str());
    return 1;
  }
  printf("%s is accepted (sum of its bytes: %lu)\n", path, sum_of(view.value()));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const bool any_hash = argc == 3 && strcmp(argv[1], "--any-hash") == 0;
  if (argc != 2 && !any_hash) {
    fprintf(stderr, "usage: image-check [--any-hash] FILE\n");
    return 2;
  }
  return check(argv[argc - 1], any_hash);
}
