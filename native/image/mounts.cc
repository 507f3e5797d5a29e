#include "image/mounts.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "image/environment.h"
#include "image/hash.h"
#include "support/unique_fd.h"

namespace thaw::image {
namespace {

/// What is left of a text, by the words in it.
class Words {
 public:
  Words(std::string_view text, char separator) : rest_(text), separator_(separator) {}
  std::string_view next() {
    const std::string_view word = rest_.substr(0, rest_.find(separator_));
    rest_.remove_prefix(std::min(rest_.size(), word.size() + 1));
    return word;
  }
  [[nodiscard]] bool done() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  char separator_;
};

/// A number that another character follows.
unsigned long number_at(std::string_view text) {
  return strtoul(text.data(), nullptr, 10);
}

bool is_in(std::string_view path, std::string_view folder) {
  return folder == "/" ||
         (path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/'));
}

}  // namespace

Mount parse_mount(std::string_view line) {
  Words words(line, ' ');
  Mount mount;
  mount.id = number_at(words.next());
  mount.parent = number_at(words.next());
  const std::string_view device = words.next();
  const size_t colon = device.find(':');
  if (colon != std::string_view::npos)
    mount.device = makedev(static_cast<unsigned>(number_at(device)),
                           static_cast<unsigned>(number_at(device.substr(colon + 1))));
  mount.root = words.next();
  mount.point = words.next();
  mount.options = words.next();
  while (!words.done() && words.next() != "-") {
  }
  mount.type = words.next();
  words.next();
  mount.super_options = words.next();
  return mount;
}

std::string plain_path(std::string_view written) {
  std::string plain;
  for (size_t i = 0; i < written.size(); ++i) {
    if (written[i] == '\\' && i + 3 < written.size()) {
      plain +=
          static_cast<char>(strtoul(std::string(written.substr(i + 1, 3)).c_str(), nullptr, 8));
      i += 3;
    } else {
      plain += written[i];
    }
  }
  return plain;
}

bool has_option(std::string_view options, std::string_view word) {
  for (Words words(options, ','); !words.done();)
    if (words.next() == word) return true;
  return false;
}

bool Mounts::read_all() {
  const UniqueFd fd(open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
  size_t size = 0;
  for (ssize_t got = 1; got > 0; size += static_cast<size_t>(got)) {
    got = fd.valid() ? read(fd.get(), text_ + size, sizeof(text_) - 1 - size) : -1;
    if (got < 0) return false;
  }
  if (size == sizeof(text_) - 1) return false;
  for (Words lines({text_, size}, '\n'); !lines.done();) {
    if (count_ == kMost) return false;
    const Mount mount = parse_mount(lines.next());
    if (mount.id == id_) kept_ = mount;
    if (mount.device == device_) super_options_ = mount.super_options;
    all_[count_++] = known(mount);
  }
  return true;
}

uint64_t Mounts::sum() const {
  uint64_t sum = 0;
  for (size_t i = 0; i < count_; ++i)
    if (all_[i].counts) sum += all_[i].hash * 3 + hash_of(all_[i].parent);
  return sum;
}

bool Mounts::counts(std::string_view point) const {
  for (const std::string_view folder : Strings(folders_))
    if (is_in(point, folder) || is_in(folder, point)) return true;
  return false;
}

Mounts::Known Mounts::known(const Mount& mount) const {
  const std::string_view type = mount.device == device_ ? "\n" : mount.type;
  uint64_t sum = 0;
  for (const std::string_view part : {mount.point, mount.root, type})
    sum = sum * 31 + hash(part.data(), part.size());
  return {mount.id, mount.parent, sum, counts(mount.point)};
}

uint64_t Mounts::hash_of(unsigned long id) const {
  for (size_t i = 0; i < count_; ++i)
    if (all_[i].id == id) return all_[i].hash;
  return 0;
}

}  // namespace thaw::image
