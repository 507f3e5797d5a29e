#include "exec/signature.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <vector>

#include "image/signature.h"
#include "image/verity.h"
#include "store/store.h"
#include "support/file.h"

namespace thaw::exec {
namespace {

using image::Signature;
using store::kRequireSignature;
using store::kRequireVerity;
using Key = std::array<uint8_t, crypto_sign_PUBLICKEYBYTES>;

constexpr std::string_view kBegin = "-----BEGIN PUBLIC KEY-----";
constexpr std::string_view kEnd = "-----END PUBLIC KEY-----";
/// SubjectPublicKeyInfo of an Ed25519 key (RFC 8410): this, then the key.
constexpr uint8_t kKeyInfo[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                0x2b, 0x65, 0x70, 0x03, 0x21, 0};
constexpr size_t kMaxPolicy = 65536;

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) text += part;
  return text;
}

Error wrong_policy(std::string_view what) {
  return Error{0, joined({kRequireSignature, " ", what}),
               "put Ed25519 public keys into it (openssl pkey -pubout), as root's, mode 0644"};
}

Result<Key> decode_key(std::string_view base64) {
  uint8_t info[sizeof(kKeyInfo) + sizeof(Key)];
  size_t size = 0;
  Key key = {};
  if (sodium_base642bin(info, sizeof(info), base64.data(), base64.size(), " \r\n", &size, nullptr,
                        sodium_base64_VARIANT_ORIGINAL) != 0 ||
      size != sizeof(info) || !std::equal(std::begin(kKeyInfo), std::end(kKeyInfo), info))
    return wrong_policy("has a key that is not an Ed25519 public key");
  std::copy_n(info + sizeof(kKeyInfo), key.size(), key.begin());
  return key;
}

/// Text around the keys is left alone, as by openssl.
Result<std::vector<Key>> parse_keys(std::string_view pem) {
  std::vector<Key> keys;
  for (size_t begin = pem.find(kBegin); begin != std::string_view::npos; begin = pem.find(kBegin)) {
    pem.remove_prefix(begin + kBegin.size());
    const size_t end = pem.find(kEnd);
    if (end == std::string_view::npos) return wrong_policy("has a key without an end");
    THAW_ASSIGN(key, decode_key(pem.substr(0, end)));
    keys.push_back(key);
    pem.remove_prefix(end + kEnd.size());
  }
  if (keys.empty()) return wrong_policy("holds no public key");
  return keys;
}

Result<std::string> read_policy(int policy) {
  struct stat status = {};
  if (fstat(policy, &status) != 0) return wrong_policy("cannot be read");
  if (status.st_uid != 0 || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return wrong_policy("can be written by others than root");
  std::string text(kMaxPolicy, '\0');
  const ssize_t size = read(policy, text.data(), text.size());
  if (size < 0 || size == static_cast<ssize_t>(kMaxPolicy)) return wrong_policy("cannot be read");
  text.resize(static_cast<size_t>(size));
  return text;
}

/// The file beside the image, not beside a link to it.
Result<std::string> read_signature(const image::View& view) {
  THAW_ASSIGN(path, read_link("/proc/self/fd/" + std::to_string(view.fd())));
  path += image::kSignatureSuffix;
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd.valid())
    return Error{0, joined({path, ": there is no signature, and this device requires one"}),
                 "sign the image with the device's key (thaw sign)"};
  std::string bytes(sizeof(Signature) + 1, '\0');
  const ssize_t size = read(fd.get(), bytes.data(), bytes.size());
  bytes.resize(static_cast<size_t>(std::max<ssize_t>(size, 0)));
  return bytes;
}

Result<Signature> parse_signature(std::string_view bytes) {
  Signature signature;
  if (bytes.size() == sizeof(signature)) memcpy(&signature, bytes.data(), sizeof(signature));
  const image::Statement& statement = signature.statement;
  if (memcmp(statement.magic, image::kSignatureMagic, sizeof(image::kSignatureMagic)) == 0 &&
      statement.version == image::kSignatureVersion)
    return signature;
  return Error{0, "the image's signature is none that this thaw knows",
               "sign the image again (thaw sign)"};
}

bool is_by_one_of(const std::vector<Key>& keys, const Signature& signature) {
  return std::any_of(keys.begin(), keys.end(), [&signature](const Key& key) {
    return std::equal(key.begin(), key.end(), signature.key) &&
           crypto_sign_verify_detached(signature.signature,
                                       reinterpret_cast<const uint8_t*>(&signature.statement),
                                       sizeof(signature.statement), key.data()) == 0;
  });
}

bool is_of(const image::View& view, const image::Statement& statement) {
  uint8_t digest[sizeof(statement.metadata)];
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, sizeof(digest));
  crypto_generichash_update(&state, reinterpret_cast<const uint8_t*>(&view.header()),
                            sizeof(view.header()));
  crypto_generichash_update(&state, reinterpret_cast<const uint8_t*>(view.base()),
                            view.header().metadata_size);
  crypto_generichash_final(&state, digest, sizeof(digest));
  return std::equal(std::begin(digest), std::end(digest), statement.metadata);
}

Result<void> check_page_data(const image::View& view, const image::Statement& statement) {
  const auto measured = image::measure_verity(view.fd());
  if (!measured) {
    if (access(kRequireVerity, F_OK) != 0 && errno == ENOENT) return {};
    return Error{0, "the image's page data is not under fs-verity, and this device requires that",
                 "fsverity enable, on a file system that has it"};
  }
  if (std::equal(measured->begin(), measured->end(), statement.verity)) return {};
  return Error{0, "the image's fs-verity digest is not the one that was signed",
               "sign this image, or copy the signed one again"};
}

}  // namespace

Result<void> check_signature(image::View& view, const char* path) {
  const UniqueFd policy(open(kRequireSignature, O_RDONLY | O_CLOEXEC));
  if (!policy.valid()) {
    const int problem = errno;
    if (problem == ENOENT || problem == ENOTDIR) return {};
    return Error{problem, joined({"cannot open ", kRequireSignature}), "let all users read it"};
  }
  THAW_ASSIGN(text, read_policy(policy.get()));
  THAW_ASSIGN(signature, read_signature(view));
  THAW_TRY(view.read_tail(path));  // Signed as all the metadata are.
  return check_signed(view, text, signature);
}

Result<void> check_signed(const image::View& view, std::string_view policy,
                          std::string_view signature_bytes) {
  THAW_ASSIGN(keys, parse_keys(policy));
  THAW_ASSIGN(signature, parse_signature(signature_bytes));
  if (!is_by_one_of(keys, signature))
    return Error{
        0, "the image's signature is by none of the keys that this device trusts",
        joined({"sign it with another key, or add its public key to ", kRequireSignature})};
  if (!is_of(view, signature.statement))
    return Error{0, "the image is not the one that was signed",
                 "sign this image, or copy the signed one again"};
  return check_page_data(view, signature.statement);
}

}  // namespace thaw::exec
