// The early deaths of an image's launches, as the guard keeps them (docs/guard.md):
//
//   <store>/profiles/<name>/deaths/<id>    a line for each: "signal 11" or "status 3"; and "aside"
//                                          once a cold start has lived where these launches died
//
// There is no such file for an image whose last launch was good. The folder belongs to the user who
// launches the profile, and holds nothing else. Of an image on a read-only file system, the same lies
// in another store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace thaw::store {

/// How a process came to its end, by its own fault.
struct Death {
  bool by_signal = false;
  int number = 0;  ///< of the signal, or the exit status

  bool operator==(const Death&) const = default;
};

/// A line of the record, which is for people as well: "signal 11", "status 3".
struct DeathText {
  char bytes[24];
};
DeathText text_of(Death death);

/// What the record of an image says.
struct Deaths {
  uint32_t count = 0;  ///< in a row
  Death last;
  bool aside = false;  ///< a cold start has lived since
};

/// Of the image at `image`, a real path <folder>/<id>.thaw; empty for a file of another name, and where
/// there is no place for records (records_folder() of store/store.h, with these `stores`).
std::string deaths_path(std::string_view image, const char* stores);

/// Nothing where there is no record. What is no line of a record (after a power cut) does not count.
Deaths read_deaths(const char* path);

// Each of these is on the storage when it returns. Where the caller may not write, nothing happens.

void add_death(const char* path, Death death);
void set_aside(const char* path);
void forget_deaths(const char* path);

// A sign that a launch was good, in memory alone (/dev/shm): it is gone after a boot, and so is any
// reason to trust in it.

struct GoodPath {
  char bytes[64];
};
/// Of the image with this id.
GoodPath good_path(const uint8_t (&id)[16]);
/// The sign is the caller's own, and not older than this.
bool was_good(const GoodPath& path, int seconds);
void note_good(const GoodPath& path);
void forget_good(const GoodPath& path);

}  // namespace thaw::store
