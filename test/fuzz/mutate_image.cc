// mutate-image IMAGE SEED COUNT FOLDER: writes COUNT mutated copies of an image to FOLDER/N.thaw; the
// checksum of each is put right. For launches by the real thaw-exec.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "mutate.h"
#include "support/unique_fd.h"

namespace {

using namespace thaw;
using fuzz::Bytes;

Bytes read_all(const char* path) {
  const UniqueFd fd(open(path, O_RDONLY | O_CLOEXEC));
  struct stat status = {};
  if (!fd.valid() || fstat(fd.get(), &status) != 0) return {};
  Bytes bytes(static_cast<size_t>(status.st_size));
  const ssize_t got = pread(fd.get(), bytes.data(), bytes.size(), 0);
  return got == status.st_size ? bytes : Bytes();
}

bool write_file(const std::string& path, const Bytes& page_data, const fuzz::Skeleton& skeleton) {
  const UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0444));
  const auto end = static_cast<off_t>(page_data.size());
  return fd.valid() && pwrite(fd.get(), page_data.data(), page_data.size(), 0) == ssize_t{end} &&
         pwrite(fd.get(), &skeleton.header, sizeof(skeleton.header), 0) > 0 &&
         pwrite(fd.get(), skeleton.metadata.data(), skeleton.metadata.size(), end) ==
             static_cast<ssize_t>(skeleton.metadata.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: mutate-image IMAGE SEED COUNT FOLDER\n");
    return 2;
  }
  const Bytes image = read_all(argv[1]);
  fuzz::Skeleton whole;
  if (image.size() < sizeof(whole.header)) return 1;
  memcpy(&whole.header, image.data(), sizeof(whole.header));
  if (whole.header.metadata_offset > image.size()) return 1;
  const auto metadata = image.begin() + static_cast<std::ptrdiff_t>(whole.header.metadata_offset);
  whole.metadata.assign(metadata, image.end());
  const Bytes page_data(image.begin(), metadata);
  fuzz::Random random(strtoull(argv[2], nullptr, 10));
  for (int i = 0; i < atoi(argv[3]); ++i) {
    fuzz::Skeleton skeleton = whole;
    fuzz::mutate(skeleton, random);
    fuzz::correct_hash(skeleton);
    if (!write_file(std::string(argv[4]) + "/" + std::to_string(i) + ".thaw", page_data, skeleton))
      return 1;
  }
  return 0;
}
