// A request to be verified, as the fuzzer writes it down: a line for each part, "letter value".
//
//   M method   U whole URL   P path   Q query   (P and Q: instead of those of the URL)
//   H any header as "Name: value"
//   a … t      the value of a header that the scheme names: a the first, b the second, …
//   B          the body: the rest of the input, line ends and all
//
// In values, control characters stand for what no mutation could hit:
//
//   \x01          the right signature; in a token the one over what precedes it
//   \x02 … \x03   base64url of what is between
//   \x04 … \x03   base64 of what is between
//   \x05          the present time in the scheme's unit
//   \x06          what the scheme's first check wants to find
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"

#include "convoy/verifier.h"

namespace convoy::fuzz {

// Replacements for the control characters.
struct Fillings {
  // For what precedes it in the same value.
  absl::FunctionRef<std::string(std::string_view preceding)> signature;
  std::string time;
  std::string check;
};

// A request that owns what it shows.
class ScriptedRequest {
 public:
  ScriptedRequest(std::string_view script, const std::vector<std::string>& header_names,
                  const Fillings& fillings);
  ScriptedRequest(const ScriptedRequest&) = delete;
  ScriptedRequest& operator=(const ScriptedRequest&) = delete;

  VerifyRequest view() const;
  Headers headers;
  std::string body;

 private:
  void AddLine(char letter, std::string value, const std::vector<std::string>& header_names);

  std::string method_ = "POST";
  std::string url_ = "https://example.com/hook";
  std::string path_ = "/hook";
  std::string query_;
  mutable std::vector<HeaderView> header_views_;
};

}  // namespace convoy::fuzz
