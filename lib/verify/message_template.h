// Which bytes a signature covers: "{ts}.{body}", compiled once into parts that are fed to the MAC
// one after the other. Nothing is ever put together in memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "convoy/verifier.h"
#include "lib/crypto/digest.h"

namespace convoy::verify {

class MessageTemplate {
 public:
  // Parts: {body} {ts} {method} {path} {url} {query} {header:NAME}; anything else is literal.
  // kInvalidArgument names a part that is not known, or a brace without its partner.
  static absl::StatusOr<MessageTemplate> Compile(std::string_view text);

  // Feeds the message. False if the request lacks a part (a header that is absent or given twice).
  bool Feed(const VerifyRequest& request, std::string_view timestamp, crypto::Hmac& mac) const;

  bool covers_body() const { return Has(Kind::kBody); }
  bool covers_timestamp() const { return Has(Kind::kTimestamp); }

 private:
  enum class Kind : uint8_t { kLiteral, kBody, kTimestamp, kMethod, kPath, kUrl, kQuery, kHeader };
  struct Part {
    Kind kind;
    std::string text;  // the literal, or the header's name
  };

  bool Has(Kind kind) const;
  static absl::StatusOr<Part> CompilePart(std::string_view name);

  std::vector<Part> parts_;
};

}  // namespace convoy::verify
