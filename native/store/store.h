// The store's rules, on which its reader (thaw-exec) and its writer (launcher/store, through the
// addon) must agree: where stores are, what lies where in one, and what an entry is called.
//
//   <store>/profiles/<name>/current.thaw   link to the image that launches of a profile use
//   <store>/profiles/<name>/current.<n>.thaw
//                                          of its other images, where it has several
//   <store>/index/<key>                    link to ../profiles/<name>/current.thaw
#pragma once

#include <string>
#include <vector>

namespace thaw::store {

constexpr const char* kProfiles = "profiles";
constexpr const char* kIndex = "index";
constexpr const char* kCurrent = "current.thaw";
/// The links of a profile with several images are current.thaw, current.1.thaw and so on.
constexpr const char* kCurrentOf = "current.%u.thaw";
/// A request for a new image, left by a launch that found the current one out of date; the reason.
constexpr const char* kRebuild = "rebuild";
/// The folder of records of early deaths (store/deaths.h).
constexpr const char* kDeaths = "deaths";
/// A file of this name and the image's id, in memory: a launch was good in this boot.
constexpr const char* kGoodSign = "/dev/shm/thaw-good-";
/// The one that all users' launches look into.
constexpr const char* kSystemStore = "/var/lib/thaw";
/// Root's files, which no image, store, option or variable can talk around. The first holds the
/// public keys, as openssl writes them: with it, an image without a signature by one of these is
/// not launched. With the second, the page data must be under fs-verity as well.
constexpr const char* kRequireSignature = "/etc/thaw/require-signature.pem";
constexpr const char* kRequireVerity = "/etc/thaw/require-verity";

/// The stores of $THAW_STORE, in order; else the one that this user writes to, and that this user's
/// launches look into first: the system's for root, and for others one in $XDG_STATE_HOME or $HOME.
/// A user who has neither gets the system's.
std::string own_stores();

/// One after the other, of `stores` as --store and $THAW_STORE have them: with a colon between two.
std::vector<std::string> split(const std::string& stores);

/// What a launch is looked up by.
struct Launch {
  const char* program = nullptr;  ///< absolute path
  char* const* argv = nullptr;    ///< null: any arguments (`args = "deliver"`)
  std::string folder;             ///< the caller's, as getcwd(2) has it; empty: any folder
};

/// Name of the index entry for a launch: XXH3-64 of the folder (with an @ before and a NUL behind
/// it), the program's path and its arguments (argv[1]...), each of these with its NUL.
std::string launch_key(const Launch& launch);

/// Paths of the images for a launch, or of a profile, in the order of the stores: a launch takes the
/// first that does. An image for just this folder comes before one for all, and one for just these
/// arguments before one for any; all that are found are of the same kind. `stores`: those alone if
/// given; else those of $THAW_STORE; else the user's own and the system's.
std::vector<std::string> find_images(const char* stores, const char* profile, const Launch& launch);

/// Whether it is on a read-only file system. What is not there is on none.
bool is_read_only(const std::string& path);
/// Whether it is on a file system that is mounted noexec.
bool is_no_exec(const std::string& path);

/// Where launches leave what they have to say of an image in the folder <store>/profiles/<name> (a
/// real path): there; if that is on a read-only file system, in the folder of the same name in the
/// first of `stores` (null: own_stores()), or else of the user's default one, that is on none and
/// that nobody else can write to. Empty where there is none.
std::string records_folder(const std::string& folder, const char* stores);

/// Makes a folder that records_folder() has told, where it is missing and the caller may.
void make_records_folder(const std::string& folder);

/// Leaves a request for a new image beside the one that `image`, an entry of a store, leads to, or in
/// the folder of its records. Nothing happens where there is one already, or where the caller may not
/// write.
void ask_for_rebuild(const std::string& image, const char* stores, const std::string& reason);

}  // namespace thaw::store
