// Evidence that one request offers to a scheme: the request itself, and the values found in it so
// far. Lives for one verification, on the stack. Look-ups allocate only if a value has to be
// decoded.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "convoy/verifier.h"
#include "lib/body/body_view.h"
#include "lib/json/limits.h"
#include "lib/json/raw.h"
#include "lib/verify/locator.h"

namespace convoy::verify {

// Limits of what is read before anything is known to be genuine.
inline constexpr size_t kFieldBytesMax = 8 * 1024;
inline constexpr json::Limits kClaimsLimits = {
    .bytes_max = 1024 * 1024, .depth_max = 64, .values_max = 100'000};
// A handshake is small: a stranger's body is unpacked no further to look for one.
inline constexpr size_t kChallengeBytesMax = 256 * 1024;

using Parameters = std::map<std::string, std::string, std::less<>>;

// A value: a view into the request, or text of its own where it had to be decoded.
class Text {
 public:
  Text() = default;
  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;

  void Borrow(std::string_view view) { view_ = view, is_owned_ = false; }
  void Own(std::string text) { owned_ = std::move(text), is_owned_ = true; }
  std::string_view view() const { return is_owned_ ? std::string_view(owned_) : view_; }

 private:
  std::string owned_;
  std::string_view view_;
  bool is_owned_ = false;
};

class BodyStream;
class SigningGuard;

// How looking for a value ended.
enum class Finding : uint8_t { kFound, kMissing, kAmbiguous };

// The pieces of a list: "t=1;v1=ab". Spaces around them do not count.
class ListReader {
 public:
  ListReader(std::string_view text, char separator) : rest_(text), separator_(separator) {}
  // False when there are no more.
  bool Next(std::string_view* item);

 private:
  std::string_view rest_;
  const char separator_;
  bool is_done_ = false;
};

struct Evidence {
  const VerifyRequest& request;
  const Parameters& parameters;
  body::BodyView& body;  // the request's, for looking: what is signed are its raw bytes

  std::string_view url = request.url;   // as this scheme spells it
  const SigningGuard* guard = nullptr;  // null: nothing is signed for strangers

  BodyStream* stream = nullptr;  // null: the request has its body

  std::string_view signature_list;  // for sig: locators
  char item_separator = ',';
  char key_separator = '=';
  std::string_view timestamp;   // as it was written
  std::string_view item;        // JSON of the element that is being judged
  std::string_view jwt_claims;  // JSON
  std::string_view secret;      // for digests that have it within the message
  std::string_view computed;    // for answers to challenges

  // Finds exactly one value. A value that is there more than once could be read in two ways: that
  // is kAmbiguous, as is one that is longer than kFieldBytesMax (but for the body) or no scalar.
  Finding Find(const Locator& locator, Text* out) const;
};

// The value of a JSON text at `path` as text: a string decoded, other scalars as they are written.
// Parts off the path are not checked. A text that is not JSON has no values.
Finding FindJson(std::string_view json, std::string_view path, Text* out);
// The same, of the request's body, which may be coded: kAmbiguous if it cannot be seen.
Finding FindInBody(body::BodyView& body, std::string_view path, Text* out);
// The value there, of whatever type; nullopt also if a name on the way occurs twice.
std::optional<json::RawValue> FindOnly(std::string_view json, std::string_view path);

// The same for the claims and header of a token, which must be JSON from end to end.
Finding FindClaim(std::string_view json, std::string_view path, Text* out);
std::optional<json::RawValue> FindOnlyClaim(std::string_view json, std::string_view path);

// Why a request is refused if this is how looking ended.
inline VerifyReason ReasonOf(Finding finding) {
  if (finding == Finding::kFound) return VerifyReason::kAccepted;
  return finding == Finding::kMissing ? VerifyReason::kMissingHeader : VerifyReason::kMalformed;
}

}  // namespace convoy::verify
