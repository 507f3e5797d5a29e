// The inputs: what the warm-up was seen to use, and what a launch opens in any case.
#include <fcntl.h>
#include <sys/stat.h>

#include "checkpoint/collect/collect.h"
#include "image/fingerprint.h"

namespace thaw::checkpoint {
namespace {

constexpr uint32_t kOpened = model::kFileMapped | model::kFileKeptOpen | model::kFileProgram;

model::Input record_of(const struct stat& status) {
  constexpr int64_t kSecond = 1'000'000'000;
  model::Input input;
  input.kind = model::InputKind::file;
  input.ino = status.st_ino;
  input.size = static_cast<uint64_t>(status.st_size);
  input.mtime_ns = int64_t{status.st_mtim.tv_sec} * kSecond + status.st_mtim.tv_nsec;
  input.ctime_ns = int64_t{status.st_ctim.tv_sec} * kSecond + status.st_ctim.tv_nsec;
  input.mode = status.st_mode;
  input.flags = model::kInputOpened;
  return input;
}

/// Whatever the path that each was found by.
bool is_same(const model::Input& a, const model::Input& b) {
  return a.kind == b.kind && a.ino == b.ino && a.size == b.size && a.mtime_ns == b.mtime_ns &&
         a.ctime_ns == b.ctime_ns;
}

/// What is to be ignored is compared by its looks, where they tell: the app may have it mapped.
void add_opened(Capture& capture, const model::File& file) {
  image::Builder& image = capture.image;
  const std::string path(image.bytes(file.path));
  struct stat status = {};
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  const bool found = fd.valid() ? fstat(fd.get(), &status) == 0 : stat(path.c_str(), &status) == 0;
  // Another file there by now: the launch itself compares it with what was mapped.
  if (!found || !S_ISREG(status.st_mode) || status.st_ino != file.ino) return;
  model::Input input = record_of(status);
  for (auto* table : {&image.inputs, &image.root_inputs})
    for (model::Input& known : *table) {
      if (!is_same(known, input)) continue;
      known.flags |= model::kInputOpened;
      return;
    }
  const bool needs_reading = !image::has_change_times(path.c_str(), input.mtime_ns, input.ctime_ns);
  if (needs_reading && capture.request.input_rules.ignores(path)) return;
  if (needs_reading) input.flags |= model::kInputNoChangeTime;
  // No launch reads larger ones. Without change times, though, a hash says that looks are no proof.
  const bool counts = input.size <= image::kMostToRead || needs_reading;
  if (fd.valid() && counts) input.content = capture.content_hashes.of(fd.get()).value_or(0);
  input.path = file.path;
  image.inputs.push_back(input);
}

std::string_view folder_of(const image::Builder& image, const model::Input& input) {
  const std::string_view path = image.path_of(input);
  return path.substr(0, path.rfind('/'));
}

/// A launch opens the folder of those that follow each other, and looks single ones up by path.
void mark_neighbours(const image::Builder& image, std::vector<model::Input>& inputs) {
  for (size_t i = 1; i < inputs.size(); ++i) {
    if (folder_of(image, inputs[i - 1]) != folder_of(image, inputs[i])) continue;
    inputs[i - 1].flags |= model::kInputSharesFolder;
    inputs[i].flags |= model::kInputSharesFolder;
  }
}

}  // namespace

void collect_inputs(Capture& capture) {
  image::Builder& image = capture.image;
  for (const inputs::Input& input : capture.request.inputs) {
    model::Input record = input.record;
    const bool on_root = (record.flags & model::kInputOnRoot) != 0;
    record.path = on_root ? image.root_path(input.path) : image.blob(input.path);
    (on_root ? image.root_inputs : image.inputs).push_back(record);
  }
  for (const model::File& file : image.files)
    if ((file.flags & kOpened) != 0) add_opened(capture, file);
  mark_neighbours(image, image.inputs);
  mark_neighbours(image, image.root_inputs);
}

}  // namespace thaw::checkpoint
