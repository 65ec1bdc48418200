// BoringSSL's reader of PEM passes over blocks of other labels and text between them, as those of
// TLS libraries do. A passphrase is never asked for.
#include "lib/crypto/certificate.h"

#include <limits>

#include "absl/strings/str_cat.h"
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "lib/base/status_macros.h"
#include "lib/crypto/boringssl.h"

namespace convoy::crypto {
namespace {

using Bio = Handle<BIO, BIO_free_all>;
using Certificate = Handle<X509, X509_free>;
using PrivateKey = Handle<EVP_PKEY, EVP_PKEY_free>;

int RefusePassphrase(char*, int, int, void*) { return -1; }

absl::Status Invalid(std::string_view why) { return absl::InvalidArgumentError(why); }

Bio ReaderOfText(std::string_view text) {
  if (text.size() > std::numeric_limits<int>::max()) return nullptr;
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Certificate ReadNext(BIO* reader) {
  return Certificate(PEM_read_bio_X509(reader, nullptr, &RefusePassphrase, nullptr));
}

// After a read that gave nothing: because no block is left.
bool IsAtEnd() {
  const uint32_t error = ERR_peek_last_error();
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

// The rest of the text.
absl::Status CheckRest(BIO* reader, size_t count) {
  while (true) {
    ERR_clear_error();
    if (ReadNext(reader) == nullptr) break;
    if (++count > kCertificatesMax) {
      return Invalid(absl::StrCat("there are more than ", kCertificatesMax, " certificates"));
    }
  }
  if (!IsAtEnd()) return Invalid(absl::StrCat("certificate ", count + 1, " cannot be read"));
  return count > 0 ? absl::OkStatus() : Invalid("there is no CERTIFICATE block");
}

absl::Status CheckValidity(const X509* certificate, absl::Time now) {
  time_t instant = absl::ToTimeT(now);
  if (X509_cmp_time(X509_get0_notBefore(certificate), &instant) > 0) {
    return Invalid("the certificate is not valid yet");
  }
  // 0 says that the time cannot be read.
  if (X509_cmp_time(X509_get0_notAfter(certificate), &instant) <= 0) {
    return Invalid("the certificate has expired");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckAuthorities(std::string_view text) {
  const ErrorQueueCleaner cleaner;
  const Bio reader = ReaderOfText(text);
  if (reader == nullptr) return absl::ResourceExhaustedError("out of memory");
  return CheckRest(reader.get(), 0);
}

absl::Status CheckClientCertificate(std::string_view certificates, std::string_view key,
                                    absl::Time now) {
  const ErrorQueueCleaner cleaner;
  const Bio reader = ReaderOfText(certificates);
  const Bio key_reader = ReaderOfText(key);
  if (reader == nullptr || key_reader == nullptr) {
    return absl::ResourceExhaustedError("out of memory");
  }
  const Certificate certificate = ReadNext(reader.get());
  if (certificate == nullptr) {
    return Invalid(IsAtEnd() ? "there is no CERTIFICATE block" : "certificate 1 cannot be read");
  }
  CONVOY_RETURN_IF_ERROR(CheckRest(reader.get(), 1));
  const PrivateKey private_key(
      PEM_read_bio_PrivateKey(key_reader.get(), nullptr, &RefusePassphrase, nullptr));
  if (private_key == nullptr) {
    return Invalid("the key is no private key in PEM, or is encrypted");
  }
  if (X509_check_private_key(certificate.get(), private_key.get()) != 1) {
    return Invalid("the key is not that of the first certificate");
  }
  return CheckValidity(certificate.get(), now);
}

}  // namespace convoy::crypto
