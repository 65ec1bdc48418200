// Certificates and private keys that tenants set for their endpoints (mtls_client_cert,
// tls_ca_bundle).
//
// Input: a byte of flags, the certificates up to \x1e, the private key. With kIsDer the certificate
// is DER, so that a changed byte is not one of base64 that cannot be read; with kHasTestKey the key
// is that of the P-256 test vector. Promises that are checked: what passes holds a certificate, a
// client's certificates are certificates of authorities' form, too, a key passes only with its own
// certificate, and a refusal is a short text that repeats nothing of a key.
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "lib/base/encoding.h"
#include "lib/crypto/certificate.h"
#include "tests/fuzz/finding.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/sender.h"

namespace convoy::fuzz {
namespace {

constexpr uint8_t kIsDer = 1;
constexpr uint8_t kHasTestKey = 2;
constexpr size_t kRefusalBytesMax = 200;
constexpr size_t kSecretBytesMin = 16;  // shorter lines, and those with a space, may be words

void CheckRefusal(const absl::Status& status, std::string_view key) {
  if (status.ok()) return;
  Require(!status.message().empty() && status.message().size() <= kRefusalBytesMax,
          "a refusal is a short text");
  for (const std::string_view line : absl::StrSplit(key, '\n')) {
    Require(line.size() < kSecretBytesMin || absl::StartsWith(line, "-----") ||
                absl::StrContains(line, ' ') || !absl::StrContains(status.message(), line),
            "a refusal repeats nothing of a key");
  }
}

std::string Pem(std::string_view der) {
  return absl::StrCat("-----BEGIN CERTIFICATE-----\n", base::Base64Encode(der),
                      "\n-----END CERTIFICATE-----\n");
}

void Run(Input& input) {
  static const std::string* const kKey =
      new std::string(ReadTestFile("vectors/crypto/p256_private.pem"));
  static const std::string* const kOtherKey =
      new std::string(ReadTestFile("vectors/crypto/rsa_private.pem"));
  const absl::Time now = absl::FromUnixSeconds(1'777'629'600);
  const uint8_t flags = input.Byte();
  const std::string_view given = input.TextUntil('\x1e');
  const std::string certificates = (flags & kIsDer) != 0 ? Pem(given) : std::string(given);
  const std::string_view rest = input.Rest();
  const std::string_view key = (flags & kHasTestKey) != 0 ? std::string_view(*kKey) : rest;

  const absl::Status authorities = crypto::CheckAuthorities(certificates);
  CheckRefusal(authorities, certificates);
  Require(!authorities.ok() || absl::StrContains(certificates, "-----BEGIN "),
          "what passes holds a certificate");
  const absl::Status client = crypto::CheckClientCertificate(certificates, key, now);
  CheckRefusal(client, key);
  if (!client.ok()) return;
  Require(authorities.ok(), "a client's certificates can all be read");
  Require(!crypto::CheckClientCertificate(certificates, *kOtherKey, now).ok() ||
              key == std::string_view(*kOtherKey) || key == rest,
          "a key passes only with its own certificate");
  for (const absl::Time never : {absl::UnixEpoch() - absl::Hours(24 * 365 * 2100),
                                 absl::UnixEpoch() + absl::Hours(24 * 365 * 20'000)}) {
    Require(!crypto::CheckClientCertificate(certificates, key, never).ok(),
            "no certificate is valid for ever");
  }
}

}  // namespace
}  // namespace convoy::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  convoy::fuzz::Input input(data, size);
  convoy::fuzz::Run(input);
  return 0;
}
