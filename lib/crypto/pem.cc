// Finds and decodes one PEM block. One pass over a text of bounded size; the copies made on the way
// may be of a private key and are wiped.
#include "lib/crypto/pem.h"

#include <algorithm>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#include "lib/base/encoding.h"
#include "lib/crypto/wipe.h"

namespace convoy::crypto {
namespace {

constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kDashes = "-----";

absl::Status Malformed() { return absl::InvalidArgumentError("the PEM text is malformed"); }

std::optional<std::string> DecodeBody(std::string_view body) {
  std::string base64;
  base64.reserve(body.size());  // never grows, so no copy is left behind
  std::copy_if(body.begin(), body.end(), std::back_inserter(base64),
               [](unsigned char c) { return !absl::ascii_isspace(c); });
  std::optional<std::string> der = base::Base64Decode(base64);
  Wipe(base64);
  if (der.has_value() && der->empty()) return std::nullopt;
  return der;
}

}  // namespace

PemBlock::~PemBlock() { Wipe(der_); }

absl::StatusOr<PemBlock> ReadPem(std::string_view text,
                                 std::initializer_list<std::string_view> labels) {
  if (text.size() > kPemBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("the PEM text is longer than ", kPemBytesMax, " bytes"));
  }
  for (;;) {
    const size_t begin = text.find(kBegin);
    if (begin == std::string_view::npos) break;
    text.remove_prefix(begin + kBegin.size());
    const size_t label_size = text.find(kDashes);
    if (label_size == std::string_view::npos) return Malformed();
    const std::string_view label = text.substr(0, label_size);
    text.remove_prefix(label_size + kDashes.size());
    const std::string end = absl::StrCat("-----END ", label, kDashes);
    const size_t body_size = text.find(end);
    if (body_size == std::string_view::npos) return Malformed();
    if (std::find(labels.begin(), labels.end(), label) != labels.end()) {
      std::optional<std::string> der = DecodeBody(text.substr(0, body_size));
      if (!der.has_value()) return Malformed();
      return PemBlock(std::string(label), *std::move(der));
    }
    text.remove_prefix(body_size + end.size());
  }
  return absl::InvalidArgumentError("the text holds no PEM block of the kind expected");
}

}  // namespace convoy::crypto
