// Secrets as copying, configuration files and secret stores spell them: each spelling is one
// mistake that people make, with the sentence that tells it.
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "lib/base/encoding.h"
#include "lib/base/latin1.h"
#include "lib/verify/explain_trials.h"
#include "lib/verify/secret_key.h"
#include "lib/verify/spellings.h"

namespace convoy::verify {
namespace {

constexpr std::string_view kPrefixText =
    "the secret was configured with a prefix that is not part of it";

bool HasSharedSecret(const Scheme& scheme) {
  return scheme.type == SchemeType::kHmac || scheme.type == SchemeType::kDigest ||
         scheme.type == SchemeType::kToken || scheme.type == SchemeType::kBasic ||
         (scheme.type == SchemeType::kJwt && scheme.jwt.algorithms.front().starts_with("HS"));
}

// `text` without the marks that files, shells and prose put around it or behind it.
std::string_view WithoutMarks(std::string_view text) {
  constexpr std::pair<std::string_view, std::string_view> kMarks[] = {
      {"\"", "\""},
      {"'", "'"},
      {"`", "`"},
      {"<", ">"},
      {"(", ")"},
      {"[", "]"},
      {"{", "}"},
      {"\xE2\x80\x9C", "\xE2\x80\x9D"},  // typographic quotes
      {"\xE2\x80\x98", "\xE2\x80\x99"}};
  constexpr std::string_view kEnds[] = {",", ";", "\\n", "\\r"};
  for (bool is_changed = true; is_changed;) {
    is_changed = false;
    for (const std::string_view end : kEnds) {
      if (text.size() > end.size() && absl::ConsumeSuffix(&text, end)) is_changed = true;
    }
    for (const auto& [before, behind] : kMarks) {
      const bool is_marked = text.size() > before.size() + behind.size() &&
                             text.starts_with(before) && text.ends_with(behind);
      if (!is_marked) continue;
      text = text.substr(before.size(), text.size() - before.size() - behind.size());
      is_changed = true;
    }
    text = TrimSecret(text);
  }
  return text;
}

// Spellings of one configured secret.
class SecretSpeller {
 public:
  SecretSpeller(std::string secret, std::vector<SecretSpelling>* list)
      : secret_(std::move(secret)), list_(list) {}

  void AddMarks() {
    Add("secret_quoted", "the secret was configured with quotation or other marks around it",
        std::string(WithoutMarks(secret_)));
    Add("secret_html", "the secret was configured with the escapes of HTML", UnescapeHtml(secret_));
    Add("secret_percent", "the secret was configured percent-encoded", base::FormDecode(secret_));
    const size_t half = secret_.size() / 2;
    if (secret_.size() % 2 == 0 && secret_.substr(half) == secret_.substr(0, half)) {
      Add("secret_twice", "the secret was configured twice in a row", secret_.substr(half));
    }
  }

  void AddPrefixes() {
    for (const std::string_view prefix :
         {"whsec_", "v1,whsec_", "Bearer ", "Basic ", "Token ", "sha256=", "secret=", "key="}) {
      if (!absl::StartsWithIgnoreCase(secret_, prefix)) continue;
      Add("secret_prefix", kPrefixText, secret_.substr(prefix.size()), KeyFormat::kText);
    }
    if (const size_t prefix = secret_.find('_'); prefix != std::string::npos) {
      Add("secret_base64", "the key is what the secret decodes to as base64, behind its prefix",
          secret_.substr(prefix + 1), KeyFormat::kBase64);
      Add("secret_prefix", kPrefixText, secret_.substr(prefix + 1), KeyFormat::kText);
    }
    Add("secret_prefix", "the prefix whsec_ is part of the provider's secret",
        absl::StrCat("whsec_", secret_), KeyFormat::kText);
    if (const size_t colon = secret_.find_first_of(":="); colon != std::string::npos) {
      const std::string_view value = TrimSecret(std::string_view(secret_).substr(colon + 1));
      constexpr std::string_view kName = "the secret was configured with its name before it";
      Add("secret_prefix", kName, std::string(value));
      Add("secret_prefix", kName, std::string(WithoutMarks(value)));
    }
  }

  void AddEncodings() {
    Add("secret_not_decoded",
        "the provider uses the secret as the text that it is, not what it decodes to", secret_,
        KeyFormat::kText);
    Add("secret_base64", "the key is what the secret decodes to as base64", secret_,
        KeyFormat::kBase64);
    Add("secret_hex", "the key is what the secret decodes to as hex", secret_, KeyFormat::kHex);
    Add("secret_encoded", "the secret was configured decoded: the key is its base64",
        base::Base64Encode(secret_), KeyFormat::kText);
    Add("secret_encoded", "the secret was configured decoded: the key is its hex",
        base::HexEncode(secret_), KeyFormat::kText);
    constexpr std::string_view kCase = "the secret was configured in another case";
    Add("secret_case", kCase, absl::AsciiStrToLower(secret_));
    Add("secret_case", kCase, absl::AsciiStrToUpper(secret_));
    constexpr std::string_view kCharset =
        "the provider encodes what is not ASCII in the secret otherwise (ISO 8859-1, UTF-8)";
    if (const auto latin1 = base::Utf8ToLatin1(secret_); latin1.has_value() && *latin1 != secret_) {
      Add("secret_charset", kCharset, *latin1, KeyFormat::kText);
      Add("secret_charset", kCharset, base::Latin1ToUtf8(secret_), KeyFormat::kText);
    }
    for (const std::string_view end : {"\n", "\r\n", " "}) {
      Add("secret_newline", "the provider's secret ends with a line break or a space",
          absl::StrCat(secret_, end), KeyFormat::kText);
    }
  }

  void AddCredentials() {
    const size_t colon = secret_.find(':');
    if (colon == std::string::npos) return;
    Add("secret_swapped", "user name and password were configured for each other",
        absl::StrCat(secret_.substr(colon + 1), ":", secret_.substr(0, colon)));
  }

 private:
  void Add(std::string_view code, std::string_view text, std::string secret,
           std::optional<KeyFormat> format = std::nullopt) {
    list_->push_back({code, text, std::move(secret), format});
  }

  const std::string secret_;
  std::vector<SecretSpelling>* const list_;
};

}  // namespace

std::vector<SecretSpelling> Trials::OtherSecrets(const Scheme& scheme) const {
  std::vector<SecretSpelling> list;
  if (!HasSharedSecret(scheme)) return list;
  for (const std::string& given : input_.settings.secrets) {
    SecretSpeller speller(std::string(TrimSecret(given)), &list);
    speller.AddMarks();
    speller.AddPrefixes();
    speller.AddEncodings();
    if (scheme.type == SchemeType::kBasic) speller.AddCredentials();
  }
  for (const std::string& known : input_.preset.test_secrets) {
    list.push_back({"test_secret",
                    "the request is a test that the provider signs with a published key",
                    known,
                    {}});
  }
  for (const auto& [name, value] : input_.settings.parameters) {
    list.push_back({"secret_swapped",
                    "the secret and a setting of the scheme were configured for each other",
                    value,
                    {}});
  }
  return list;
}

}  // namespace convoy::verify
