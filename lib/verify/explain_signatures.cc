// Signatures as senders get them wrong, or as proxies change them on the way: another algorithm or
// encoding, a prefix, escapes, two values in one; and messages that schemes are mistaken for.
#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

#include "lib/base/encoding.h"
#include "lib/base/text.h"
#include "lib/verify/explain_trials.h"

namespace convoy::verify {
namespace {

using crypto::HashAlgorithm;

constexpr std::pair<HashAlgorithm, std::string_view> kAlgorithms[] = {
    {HashAlgorithm::kSha256, "SHA-256"},
    {HashAlgorithm::kSha1, "SHA-1"},
    {HashAlgorithm::kSha512, "SHA-512"},
    {HashAlgorithm::kMd5, "MD5"}};
constexpr std::pair<SignatureEncoding, std::string_view> kEncodings[] = {
    {SignatureEncoding::kHex, "hex"},
    {SignatureEncoding::kBase64, "base64"},
    {SignatureEncoding::kBase64Url, "base64url"},
    {SignatureEncoding::kBase64Hex, "base64 of hex"}};

void AddAlgorithms(const Scheme& scheme, std::vector<SchemeSpelling>* list) {
  for (const auto& [algorithm, algorithm_name] : kAlgorithms) {
    for (const auto& [encoding, encoding_name] : kEncodings) {
      const bool is_same_algorithm = algorithm == scheme.algorithm;
      if (is_same_algorithm && encoding == scheme.encoding) continue;
      Scheme other = scheme;
      other.algorithm = algorithm;
      other.encoding = encoding;
      const std::string_view code =
          is_same_algorithm ? "signature_encoding" : "signature_algorithm";
      const std::string text = absl::StrCat("the signature is made with ", algorithm_name,
                                            " and written as ", encoding_name);
      list->push_back({code, text, other});
      // The algorithm's name is often the prefix: sha1= where sha256= is expected.
      for (const std::string_view prefix : {"", "sha1=", "sha256=", "sha512=", "v1=", "v0="}) {
        if (scheme.signature.prefix == prefix) continue;
        other.signature.prefix = prefix;
        list->push_back({code, text, other});
      }
    }
  }
}

// Of tokens that are signed with a shared secret.
void AddTokenAlgorithms(const Scheme& scheme, std::vector<SchemeSpelling>* list) {
  if (!scheme.jwt.algorithms.front().starts_with("HS")) return;
  for (const char* algorithm : {"HS256", "HS384", "HS512"}) {
    Scheme other = scheme;
    other.jwt.algorithms = {algorithm};
    list->push_back({"signature_algorithm", absl::StrCat("the token is signed with ", algorithm),
                     std::move(other)});
  }
}

void AddDigests(const Scheme& scheme, std::vector<SchemeSpelling>* list) {
  for (const auto& [algorithm, name] : kAlgorithms) {
    for (const std::string& message :
         {absl::StrCat("{secret}", scheme.message), absl::StrCat(scheme.message, "{secret}")}) {
      Scheme other = scheme;
      other.type = SchemeType::kDigest;
      other.algorithm = algorithm;
      other.message = message;
      other.key = {};
      list->push_back(
          {"signature_algorithm",
           absl::StrCat("the signature is a plain ", name, " of secret and message, not an HMAC"),
           std::move(other)});
    }
  }
}

std::string Encode(SignatureEncoding encoding, std::string_view bytes) {
  switch (encoding) {
    case SignatureEncoding::kHex:
      break;
    case SignatureEncoding::kBase64:
      return base::Base64Encode(bytes);
    case SignatureEncoding::kBase64Url:
      return base::Base64UrlEncode(bytes);
    case SignatureEncoding::kBase64Hex:
      return base::Base64Encode(base::HexEncode(bytes));
  }
  return base::HexEncode(bytes);
}

std::vector<std::string> Decodings(std::string_view text) {
  std::vector<std::string> decoded;
  if (auto bytes = base::HexDecode(text)) decoded.push_back(*std::move(bytes));
  if (auto bytes = base::Base64Decode(text)) decoded.push_back(*std::move(bytes));
  return decoded;
}

struct ValueSpelling {
  std::string_view code;
  std::string_view text;
  std::string value;
};

// Values of a signature's header that may have stood there before something changed them.
class ValueSpeller {
 public:
  ValueSpeller(const Scheme& scheme, std::string_view value) : scheme_(scheme), value_(value) {}

  std::vector<ValueSpelling> Spell() {
    AddMangled();
    AddJoined();
    AddEncodings();
    return std::move(list_);
  }

 private:
  void Add(std::string_view code, std::string_view text, std::string value) {
    if (value != value_ && !value.empty()) list_.push_back({code, text, std::move(value)});
  }

  void AddMangled() {
    constexpr std::string_view kCode = "signature_mangled";
    constexpr std::string_view kText =
        "was changed on the way (escapes, spaces, quotes, case or padding)";
    constexpr std::string_view kBearer = "Bearer ";
    if (scheme_.type == SchemeType::kJwt && absl::StartsWithIgnoreCase(value_, kBearer)) {
      Add("prefix_unexpected", "has the word Bearer before the token, which the scheme does not",
          std::string(value_.substr(kBearer.size())));
    }
    Add(kCode, kText, absl::StrReplaceAll(value_, {{" ", "+"}}));
    Add(kCode, kText, base::PercentDecode(value_).value_or(""));
    Add(kCode, kText, absl::StrReplaceAll(value_, {{"\"", ""}, {"'", ""}}));
    Add(kCode, kText, absl::StrCat(value_, "="));
    Add(kCode, kText, absl::StrCat(value_, "=="));
    const std::string bare = absl::StrReplaceAll(value_, {{" ", ""}, {"\t", ""}});
    Add(kCode, kText, bare);
    const std::string& prefix = scheme_.signature.prefix;
    const std::string plain = absl::StrReplaceAll(prefix, {{" ", ""}});
    if (!prefix.empty() && absl::StartsWithIgnoreCase(bare, plain)) {
      Add(kCode, kText, absl::StrCat(prefix, bare.substr(plain.size())));
    }
  }

  // Proxies join headers of one name by a comma.
  void AddJoined() {
    constexpr std::string_view kCode = "header_twice";
    constexpr std::string_view kText = "was sent twice, and a proxy made one of the two";
    for (const std::string_view glue : {", ", ","}) {
      if (value_.size() <= glue.size() || (value_.size() - glue.size()) % 2 != 0) continue;
      const std::string_view half = value_.substr(0, (value_.size() - glue.size()) / 2);
      if (value_ == absl::StrCat(half, glue, half)) Add(kCode, kText, std::string(half));
    }
    if (scheme_.signature.list.has_value()) return;
    for (const std::string_view item : absl::StrSplit(value_, ',')) {
      Add(kCode, kText, std::string(absl::StripAsciiWhitespace(item)));
    }
  }

  void AddEncodings() {
    if (scheme_.type == SchemeType::kBasic) {
      const size_t begin = std::min(value_.find(' '), value_.size());
      Add("signature_encoding", "has the credentials as they are, without their base64",
          absl::StrCat("Basic ", base::Base64Encode(
                                     absl::StripLeadingAsciiWhitespace(value_.substr(begin)))));
      return;
    }
    std::string_view signature = value_;
    if (signature.starts_with(scheme_.signature.prefix)) {
      signature.remove_prefix(scheme_.signature.prefix.size());
    }
    for (const std::string& text : Decodings(signature)) {
      if (scheme_.type == SchemeType::kToken) {
        Add("signature_encoding", "has the token in an encoding", text);
      }
      for (const std::string& bytes : Decodings(text)) {
        Add("signature_encoding", "has a signature that was encoded twice",
            absl::StrCat(scheme_.signature.prefix, Encode(scheme_.encoding, bytes)));
      }
    }
  }

  const Scheme& scheme_;
  const std::string_view value_;
  std::vector<ValueSpelling> list_;
};

bool IsSignatureHeader(const Scheme& scheme, std::string_view name) {
  if (scheme.type == SchemeType::kBasic) return base::EqualsIgnoreCase(name, "Authorization");
  return std::any_of(
      scheme.signature.places.begin(), scheme.signature.places.end(), [name](const Locator& place) {
        return place.kind == Locator::Kind::kHeader && base::EqualsIgnoreCase(place.name, name);
      });
}

}  // namespace

std::vector<SchemeSpelling> Trials::OtherSignatures(const Scheme& scheme) const {
  std::vector<SchemeSpelling> list;
  if (!scheme.signature.prefix.empty()) {
    Scheme other = scheme;
    other.signature.prefix.clear();
    list.push_back({"prefix_missing",
                    absl::StrCat("the signature lacks the prefix ", scheme.signature.prefix),
                    std::move(other)});
  }
  if (scheme.type == SchemeType::kJwt) AddTokenAlgorithms(scheme, &list);
  const bool is_mac = scheme.type == SchemeType::kHmac || scheme.type == SchemeType::kDigest;
  if (is_mac) AddAlgorithms(scheme, &list);
  if (!is_mac && scheme.type != SchemeType::kToken) return list;
  for (const std::string_view prefix :
       {"sha1=", "sha256=", "sha512=", "v1=", "v0=", "Bearer ", "Token ", "Basic "}) {
    if (scheme.signature.prefix == prefix) continue;
    Scheme other = scheme;
    other.signature.prefix = prefix;
    list.push_back({"prefix_unexpected",
                    absl::StrCat("the signature has a prefix that the scheme does not: ", prefix),
                    std::move(other)});
  }
  if (scheme.type == SchemeType::kHmac) AddDigests(scheme, &list);
  return list;
}

std::vector<HeaderSpelling> Trials::OtherHeaders(const Scheme& scheme) {
  std::vector<HeaderSpelling> list;
  const std::span<const HeaderView> given = input_.request.headers;
  for (size_t i = 0; i < given.size(); ++i) {
    if (!IsSignatureHeader(scheme, given[i].name)) continue;
    for (ValueSpelling& spelling : ValueSpeller(scheme, given[i].value).Spell()) {
      values_.push_back(std::move(spelling.value));
      std::vector<HeaderView> headers(given.begin(), given.end());
      headers[i].value = values_.back();
      list.push_back({spelling.code, absl::StrCat("the header ", given[i].name, " ", spelling.text),
                      std::move(headers)});
    }
  }
  return list;
}

std::vector<std::string> Trials::OtherMessages() const {
  std::vector<std::string> list = {
      "{body}", "{url}{body}",         "{body}{url}",     "{url}{form_sorted}",
      "{url}",  "{method}{url}{body}", "{sha256hex:body}"};
  std::vector<std::string> times, ids;
  for (const HeaderView& header : input_.request.headers) {
    if (!base::IsHeaderName(header.name)) continue;
    const std::string name = absl::AsciiStrToLower(header.name);
    if (absl::StrContains(name, "timestamp") || absl::StrContains(name, "date") ||
        absl::StrContains(name, "time")) {
      times.push_back(absl::StrCat("{header:", header.name, "}"));
    }
    if (name.ends_with("-id") || name.ends_with("nonce")) {
      ids.push_back(absl::StrCat("{header:", header.name, "}"));
    }
  }
  times.push_back("{sig:t}");
  for (const std::string& time : times) {
    for (const std::string_view glue : {".", ":", "", ",", "\n", "|"}) {
      list.push_back(absl::StrCat(time, glue, "{body}"));
      list.push_back(absl::StrCat("{body}", glue, time));
    }
    list.push_back(absl::StrCat("v0:", time, ":{body}"));
    list.push_back(absl::StrCat("{method}{url}{body}", time));
    for (const std::string& id : ids) {
      list.push_back(absl::StrCat(id, ".", time, ".{body}"));
      list.push_back(absl::StrCat(id, time, "{body}"));
    }
  }
  return list;
}

}  // namespace convoy::verify
