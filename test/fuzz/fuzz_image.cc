// The fuzz target (libFuzzer): an image as a launch opens and checks it, and its signature.
// An input is a byte of modes, the header, and the metadata: an image without its page data.
#include <sodium.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>

#include "../image_check/sum_of.h"
#include "exec/signature.h"
#include "image/signature.h"
#include "image/verify_data.h"
#include "image/view.h"
#include "launch/check/check.h"
#include "mutate.h"

namespace {

using namespace thaw;
using fuzz::Skeleton;

enum Mode : uint8_t {
  kAnyHash = 1,      ///< the checksum is put right: the checks behind it must hold alone
  kSigned = 2,       ///< signed as it is
  kWrongSigned = 4,  ///< its signature has a wrong byte
};

constexpr size_t kMost = size_t{1} << 22;

uint64_t seed_of(const uint8_t* data, size_t size) {
  uint64_t hash = 1469598103934665603u;
  for (size_t i = 0; i < size; ++i) hash = (hash ^ data[i]) * 1099511628211u;
  return hash;
}

Skeleton skeleton_of(const uint8_t* data, size_t size) {
  Skeleton skeleton;
  memcpy(&skeleton.header, data, sizeof(skeleton.header));
  skeleton.metadata.assign(data + sizeof(skeleton.header), data + size);
  return skeleton;
}

/// The file, sparse where the page data was; as long as its metadata makes it.
UniqueFd file_of(const Skeleton& skeleton) {
  UniqueFd fd(memfd_create("image", MFD_CLOEXEC));
  const uint64_t offset = std::min<uint64_t>(skeleton.header.metadata_offset, uint64_t{1} << 40);
  const bool written =
      ftruncate(fd.get(), static_cast<off_t>(offset + skeleton.metadata.size())) == 0 &&
      pwrite(fd.get(), skeleton.metadata.data(), skeleton.metadata.size(),
             static_cast<off_t>(offset)) == static_cast<ssize_t>(skeleton.metadata.size()) &&
      pwrite(fd.get(), &skeleton.header, sizeof(skeleton.header), 0) ==
          ssize_t{sizeof(skeleton.header)};
  return written ? std::move(fd) : UniqueFd();
}

struct TestKey {
  uint8_t open[crypto_sign_PUBLICKEYBYTES];
  uint8_t secret[crypto_sign_SECRETKEYBYTES];
  std::string pem;

  TestKey() {
    const uint8_t seed[crypto_sign_SEEDBYTES] = {1};
    crypto_sign_seed_keypair(open, secret, seed);
    const uint8_t info[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0};
    std::string bytes(reinterpret_cast<const char*>(info), sizeof(info));
    bytes.append(reinterpret_cast<const char*>(open), sizeof(open));
    char text[128];
    sodium_bin2base64(text, sizeof(text), reinterpret_cast<const uint8_t*>(bytes.data()),
                      bytes.size(), sodium_base64_VARIANT_ORIGINAL);
    pem = std::string("-----BEGIN PUBLIC KEY-----\n") + text + "\n-----END PUBLIC KEY-----\n";
  }
};

image::Signature sign(const image::View& view, const TestKey& key) {
  image::Signature signature;
  memcpy(signature.statement.magic, image::kSignatureMagic, sizeof(image::kSignatureMagic));
  signature.statement.version = image::kSignatureVersion;
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, sizeof(signature.statement.metadata));
  crypto_generichash_update(&state, reinterpret_cast<const uint8_t*>(&view.header()),
                            sizeof(view.header()));
  crypto_generichash_update(&state, reinterpret_cast<const uint8_t*>(view.base()),
                            view.header().metadata_size);
  crypto_generichash_final(&state, signature.statement.metadata,
                           sizeof(signature.statement.metadata));
  memcpy(signature.key, key.open, sizeof(signature.key));
  crypto_sign_detached(signature.signature, nullptr,
                       reinterpret_cast<const uint8_t*>(&signature.statement),
                       sizeof(signature.statement), key.secret);
  return signature;
}

void expect(bool right, const char* what) {
  if (right) return;
  fprintf(stderr, "%s\n", what);
  abort();
}

void check_signatures(const image::View& view, uint8_t modes, uint64_t seed) {
  static const TestKey key;
  auto signature = sign(view, key);
  auto* bytes = reinterpret_cast<char*>(&signature);
  const auto is_accepted = [&] {
    return exec::check_signed(view, key.pem, {bytes, sizeof(signature)}).ok();
  };
  if ((modes & kSigned) != 0) expect(is_accepted(), "a signature that is right was not accepted");
  if ((modes & kWrongSigned) == 0) return;
  bytes[seed % sizeof(signature)] = static_cast<char>(bytes[seed % sizeof(signature)] ^ 0x10);
  expect(!is_accepted(), "a signature that is wrong was accepted");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1 + sizeof(image::Header) || size > kMost) return -1;
  const uint8_t modes = data[0];
  Skeleton skeleton = skeleton_of(data + 1, size - 1);
  if ((modes & kAnyHash) != 0) fuzz::correct_hash(skeleton);
  UniqueFd file = file_of(skeleton);
  if (!file.valid()) return -1;
  auto view = image::View::open(std::move(file), "image", {});
  if (!view) return 0;
  volatile unsigned long sum = sum_of(view.value());
  (void)sum;
  check_signatures(view.value(), modes, seed_of(data, size));
  (void)image::verify_data(view.value());
  (void)launch::check_image(view.value());
  return 0;
}

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned int seed) {
  fuzz::Random random(seed);
  if (size < 1 + sizeof(image::Header) || random() % 16 == 0)
    return LLVMFuzzerMutate(data, size, max_size);
  Skeleton skeleton = skeleton_of(data + 1, size - 1);
  fuzz::mutate(skeleton, random);
  // The checksum finds nearly all damage: most are read without it.
  data[0] = static_cast<uint8_t>((random() % 8 != 0 ? kAnyHash : 0) | (random() % 4) << 1);
  memcpy(data + 1, &skeleton.header, sizeof(skeleton.header));
  const size_t room = max_size - 1 - sizeof(skeleton.header);
  const size_t kept = std::min(skeleton.metadata.size(), room);
  std::copy_n(skeleton.metadata.begin(), kept, data + 1 + sizeof(skeleton.header));
  return 1 + sizeof(skeleton.header) + kept;
}
