// What is mounted where, as this process sees it: /proc/self/mountinfo (proc(5)).
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace thaw::image {

/// One line: "36 35 98:0 /root /point options - type source options of the file system".
struct Mount {
  unsigned long id = 0, parent = 0;
  dev_t device = 0;
  std::string_view
      root;  ///< what of the file system is mounted; paths are as mountinfo writes them
  std::string_view point;    ///< where
  std::string_view options;  ///< of the mount, separated by commas
  std::string_view type;
  std::string_view super_options;  ///< of the file system
};

/// A line of /proc/PID/mountinfo; parts that it lacks are empty. Its text stays that of `line`, behind which a
/// character must follow.
Mount parse_mount(std::string_view line);

/// A path without the \ooo that mountinfo writes for blanks and backslashes.
std::string plain_path(std::string_view written);

/// Whether `word` is one of those.
bool has_option(std::string_view options, std::string_view word);

/// All mounts, in a form that can be compared with those of another boot. Large: make it with new.
class Mounts {
 public:
  /// `folders`: each ended by NUL; what is mounted at, above and below them counts. `device`: of
  /// the file system that stands for a root; numbers of devices are given out in the order of
  /// mounts, so only which are that one counts. `id`: of the mount to keep.
  Mounts(std::string_view folders, dev_t device, uint64_t id)
      : folders_(folders), device_(device), id_(id) {}

  /// False if there are more than fit.
  bool read_all();
  /// Of what counts. Does not depend on their order. What lies on top of what, the parents tell.
  [[nodiscard]] uint64_t sum() const;
  /// That with the id; one without an id if there is none. Its text is that of this object.
  [[nodiscard]] const Mount& kept() const { return kept_; }
  /// The options of the device's file system, which are the same for all of its mounts.
  [[nodiscard]] std::string_view super_options() const { return super_options_; }

 private:
  static constexpr size_t kMost = 256, kMostText = 65536;

  /// Without initial values: most of them are never touched.
  struct Known {
    unsigned long id, parent;
    uint64_t hash;
    bool counts;
  };

  [[nodiscard]] bool counts(std::string_view point) const;
  [[nodiscard]] Known known(const Mount& mount) const;
  [[nodiscard]] uint64_t hash_of(unsigned long id) const;

  std::string_view folders_;
  dev_t device_;
  uint64_t id_;
  Mount kept_;
  std::string_view super_options_;
  size_t count_ = 0;
  Known all_[kMost];
  char text_[kMostText];
};

}  // namespace thaw::image
