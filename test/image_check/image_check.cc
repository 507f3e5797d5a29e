// image-check [FILE...] [--any-hash FILE...]: opens images as a launch does, under the sanitizers,
// and reads all of their records. On stderr: each file, before it is read, and what came of it.
// Exit status: 0 all are accepted, 1 some are rejected, 2 usage; anything else is a bug.
//
// After --any-hash a wrong checksum is put right first, in a copy: the checks behind the checksum
// must hold alone.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "image/hash.h"
#include "image/view.h"
#include "launch/check/check.h"
#include "sum_of.h"

namespace {

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

/// Writes the checksums that the header's own offsets ask for, when they lie inside the file.
void correct_hash(std::vector<char>& bytes) {
  Header header;
  if (bytes.size() < sizeof(header)) return;
  memcpy(&header, bytes.data(), sizeof(header));
  if (header.metadata_offset > bytes.size() ||
      header.metadata_size > bytes.size() - header.metadata_offset ||
      header.tail_offset > header.metadata_size)
    return;
  // On pages of its own, as a launch maps it: a read past its end is found.
  const std::vector<char> metadata(bytes.data() + header.metadata_offset,
                                   bytes.data() + header.metadata_offset + header.metadata_size);
  header.tail_hash = thaw::image::tail_hash(header, metadata.data());
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

Result<View> open_image(const char* path, bool any_hash) {
  if (!any_hash) return View::open(path);
  THAW_ASSIGN(bytes, read_file(path));
  correct_hash(bytes);
  THAW_ASSIGN(copy, copy_in_memory(bytes));
  return View::open(std::move(copy), path, {});
}

Result<unsigned long> check(const char* path, bool any_hash) {
  THAW_ASSIGN(view, open_image(path, any_hash));
  THAW_TRY(thaw::launch::check_image(view));
  return sum_of(view);
}

}  // namespace

int main(int argc, char** argv) {
  bool any_hash = false, rejected = false;
  int files = 0;
  for (const char* argument : std::span(argv, static_cast<size_t>(argc)).subspan(1)) {
    if (strcmp(argument, "--any-hash") == 0) {
      any_hash = true;
      continue;
    }
    ++files;
    fprintf(stderr, "%s: ", argument);
    if (auto sum = check(argument, any_hash); sum) {
      fprintf(stderr, "accepted (sum of its bytes: %lu)\n", sum.value());
    } else {
      fprintf(stderr, "%s\n", sum.error().text().c_str());
      rejected = true;
    }
  }
  if (files == 0) {
    fprintf(stderr, "usage: image-check [FILE...] [--any-hash FILE...]\n");
    return 2;
  }
  return rejected ? 1 : 0;
}
