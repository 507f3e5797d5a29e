// The signature of an image: a file of its own beside it, NAME.thaw.sig. It cannot stand inside,
// since it names the digest of the whole file. Written by launcher/signing/signature.ts.
#pragma once

#include <cstdint>

namespace thaw::image {

constexpr const char* kSignatureSuffix = ".sig";
constexpr char kSignatureMagic[8] = {'T', 'H', 'A', 'W', 'S', 'I', 'G', '\0'};
constexpr uint32_t kSignatureVersion = 1;

/// What is signed.
struct Statement {
  char magic[8] = {};
  uint32_t version = 0;
  uint32_t reserved = 0;
  uint8_t image[16] = {};  ///< Header::id
  uint8_t metadata[64] =
      {};  ///< BLAKE2b-512 of the header and the metadata, as they are in the file
  /// SHA-256 digest of fs-verity (Documentation/filesystems/fsverity.rst of the kernel) with blocks
  /// of 4096 bytes and no salt: the root of a Merkle tree over the whole file, page data included.
  uint8_t verity[32] = {};
};

/// The signature file.
struct Signature {
  Statement statement;
  uint8_t key[32] = {};        ///< the Ed25519 public key that it was made for
  uint8_t signature[64] = {};  ///< Ed25519 (RFC 8032) of the statement
};

static_assert(sizeof(Statement) == 128 && sizeof(Signature) == 224);

}  // namespace thaw::image
