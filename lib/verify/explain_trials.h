// Trials of one refused request: would it pass if this one thing were otherwise? Their number and
// the bytes that they compute over are bounded; beyond the bound every trial fails.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/verify/explain.h"
#include "lib/verify/scheme.h"

namespace convoy::verify {

struct SecretSpelling {
  std::string_view code;
  std::string_view text;
  std::string secret;
  std::optional<KeyFormat> format;  // instead of the scheme's
};

struct UrlSpelling {
  std::string_view code;
  std::string_view text;
  std::string url;
};

struct SchemeSpelling {
  std::string_view code;
  std::string text;
  Scheme scheme;
};

struct HeaderSpelling {
  std::string_view code;
  std::string text;
  std::vector<HeaderView> headers;
};

class Trials {
 public:
  explicit Trials(const ExplainInput& input);

  // Those that take part by the settings, and apply to the request.
  const std::vector<Scheme>& schemes() const { return schemes_; }

  // Whether the signature is right, whatever the clock says.
  bool Passes(const Scheme& scheme);
  bool Passes(const Scheme& scheme, const std::string& secret);
  bool Passes(const Scheme& scheme, const std::vector<HeaderView>& headers);
  bool PassesUrl(const Scheme& scheme, const std::string& url);
  bool PassesMethod(const Scheme& scheme, std::string_view method);
  bool PassesBody(const Scheme& scheme, const std::string& body);
  // The schemes of the preset that take no part; adds the cause.
  bool PassesOtherScheme(std::vector<Cause>* causes);
  bool PassesAs(const Preset& preset);

  bool HasSignatureOf(const Scheme& scheme) const;
  bool UsesUrl(const Scheme& scheme) const;
  // As the request has it; empty if it is not where the scheme has it.
  std::string TimestampOf(const Scheme& scheme) const;
  bool IsTimestampOfOtherUnit(const TimestampField& field, std::string_view text) const;

  std::vector<SecretSpelling> OtherSecrets(const Scheme& scheme) const;
  std::vector<UrlSpelling> OtherUrls() const;
  std::vector<SchemeSpelling> OtherSignatures(const Scheme& scheme) const;
  std::vector<HeaderSpelling> OtherHeaders(const Scheme& scheme);
  std::vector<std::string> OtherMessages() const;

 private:
  bool Try(const Preset& preset, const std::vector<std::string>& secrets,
           const VerifyRequest& request);
  bool TryScheme(const Scheme& scheme, const std::vector<std::string>& secrets,
                 const VerifyRequest& request);

  const ExplainInput& input_;
  std::vector<Scheme> schemes_;
  std::deque<std::string> values_;  // of changed headers; they stay where they are
  uint64_t bytes_left_;
  uint32_t trials_left_;
};

}  // namespace convoy::verify
