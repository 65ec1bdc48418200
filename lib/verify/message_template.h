// The bytes that a signature covers (or that an answer holds), as a template: compiled once into
// parts, fed to the computation part by part, never put together.
//
//   literals        as they are; braces and brackets are doubled: {{ }} [[ ]]
//   {body} {ts}     the raw body; the timestamp as it was written
//   {method} {path} {query} {target} {url} {url_no_query} {url_other_port}
//                   target is path?query; url is the public one, as the provider was given it;
//                   other_port: with its default port written out, or without it
//   {header:N} …    any locator (locator.h); {…|lower} in lower case (ASCII)
//   {sha256hex:body} {sha256base64:body} {sha256base64url:body} {sha256raw:body} {crc32:body}
//   {sha256hex:url}
//   {json_string:L} what a locator finds, as a JSON string with its quotes
//   {secret}        the secret, for plain digests
//   {computed}      what a challenge computes
//   {form_sorted} {query_sorted} {plivo_v3_url} {contentful_target}
//   {signed_headers:N} {qsh} {body_with_secret:L} {body_escaped}
//                   canonical forms, see canonical.h
//   [ … ]           left out if a locator inside finds nothing
//
// A header or query parameter is the sender's word, and where it ends in the message must be plain:
// one that holds the literal that follows it could swallow part of what comes after. Such a value
// is ambiguous.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"

#include "lib/verify/evidence.h"
#include "lib/verify/locator.h"

namespace convoy::verify {

class MessageTemplate {
 public:
  using Sink = absl::FunctionRef<void(std::string_view)>;

  // kInvalidArgument names a part that is not known, or a bracket without its partner.
  static absl::StatusOr<MessageTemplate> Compile(std::string_view text);

  // Feeds the message. Anything but kFound: the request lacks a part, or has it in two ways.
  Finding Feed(const Evidence& evidence, Sink sink) const;
  // The same, as one text.
  Finding Render(const Evidence& evidence, std::string* out) const;

  // Around the body, of a message that is_streamable(): what comes before it, and after it.
  Finding FeedBeforeBody(const Evidence& evidence, Sink sink) const;
  Finding FeedAfterBody(const Evidence& evidence, Sink sink) const;

  // Does the message look at nothing of the body? At nothing but its bytes, as they are, once?
  bool is_of_head() const;
  bool is_streamable() const;
  // Does the message hold all of the body, directly or by its hash?
  bool covers_body() const;
  // Does it hold the value at this place of the request? {ts} is the timestamp, wherever that
  // stands.
  bool covers(const Locator& place) const;
  // Does it hold anything that the request brings?
  bool covers_request() const;
  // The settings that the message needs, and cannot do without.
  void AddParameters(std::set<std::string>* out) const;
  bool uses_timestamp() const { return Has(Kind::kTimestamp); }
  bool uses_secret() const { return Has(Kind::kSecret) || Has(Kind::kBodyWithSecret); }

 private:
  enum class Kind : uint8_t {
    kLiteral,
    kLocator,
    kTimestamp,
    kMethod,
    kPath,
    kQuery,
    kTarget,
    kUrl,
    kUrlNoQuery,
    kUrlOtherPort,
    kBodySha256Hex,
    kBodySha256Base64,
    kBodySha256Base64Url,
    kBodySha256Raw,
    kBodyCrc32,
    kUrlSha256Hex,
    kJsonString,
    kSecret,
    kComputed,
    kFormSorted,
    kQuerySorted,
    kPlivoV3Url,
    kSignedHeaders,
    kContentfulTarget,
    kQueryStringHash,
    kBodyWithSecret,
    kBodyEscaped,
  };
  struct Part {
    Kind kind = Kind::kLiteral;
    std::string text;  // the literal, or the header's name
    Locator locator;
    bool is_lower_case = false;
    std::string end;      // a literal that the value must not hold
    uint8_t segment = 0;  // which optional segment it belongs to; 0: none
  };

  static absl::StatusOr<Part> CompilePart(std::string_view name);
  absl::Status CompileText(std::string_view text);
  void FindEnds();
  void AddLiteral(std::string_view text, uint8_t segment);
  bool Has(Kind kind) const;
  static bool IsOfHead(const Part& part);
  size_t FindBody() const;  // the index of the part that is the raw body, or the parts' count
  Finding FeedParts(std::span<const Part> parts, const Evidence& evidence, Sink sink) const;
  // Whether everything that the optional segment looks for is there.
  bool IsSegmentThere(const Evidence& evidence, uint8_t segment) const;
  static Finding FeedPart(const Part& part, const Evidence& evidence, Sink sink);
  static Finding FeedDerived(const Part& part, const Evidence& evidence, Sink sink);
  static Finding FeedLocator(const Part& part, const Evidence& evidence, Sink sink);

  std::vector<Part> parts_;
};

}  // namespace convoy::verify
