// Handshakes that providers make before they send anything.
//
// X (Twitter): GET with crc_token; the answer proves that the secret is known here
// (docs.x.com: Securing webhooks).
#include <string>

#include "absl/strings/str_cat.h"

#include "convoy/verifier.h"
#include "lib/base/encoding.h"
#include "lib/base/text.h"
#include "lib/crypto/digest.h"
#include "lib/json/writer.h"

namespace convoy {
namespace {

constexpr size_t kTokenBytesMax = 1024;

HttpResponse AnswerCrc(std::string_view secret, std::string_view token) {
  const crypto::HmacKey key(crypto::HashAlgorithm::kSha256, secret);
  json::Writer writer;
  writer.BeginObject()
      .Field("response_token",
             absl::StrCat("sha256=", base::Base64Encode(crypto::HmacOf(key, token).view())))
      .EndObject();
  return {
      .status = 200, .headers = {{"Content-Type", "application/json"}}, .body = writer.TakeText()};
}

}  // namespace

std::optional<HttpResponse> AnswerChallenge(const Source& source, const VerifyRequest& request) {
  if (source.provider != Provider::kTwitter || request.method != "GET") return std::nullopt;
  const auto* hmac = std::get_if<HmacVerifierConfig>(&source.verifier);
  const std::optional<std::string> token = base::FindQueryParameter(request.query, "crc_token");
  if (hmac == nullptr || hmac->secret.empty() || !token.has_value() || token->empty() ||
      token->size() > kTokenBytesMax) {
    return std::nullopt;
  }
  return AnswerCrc(hmac->secret, *token);
}

}  // namespace convoy
