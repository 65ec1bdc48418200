// Compiler and evaluation of message templates; see message_template.h.
#include "lib/verify/message_template.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#include "lib/base/checksum.h"
#include "lib/base/encoding.h"
#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/crypto/digest.h"
#include "lib/json/writer.h"
#include "lib/verify/canonical.h"

namespace convoy::verify {
namespace {

constexpr auto kSha256 = crypto::HashAlgorithm::kSha256;

absl::Status Invalid(std::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("scheme field \"message\" ", why));
}

// Takes `prefix` off `text` if it is there.
bool Consume(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

absl::StatusOr<MessageTemplate> MessageTemplate::Compile(std::string_view text) {
  MessageTemplate compiled;
  CONVOY_RETURN_IF_ERROR(compiled.CompileText(text));
  compiled.FindEnds();
  return compiled;
}

void MessageTemplate::FindEnds() {
  using Place = Locator::Kind;
  for (size_t i = 0; i + 1 < parts_.size(); ++i) {
    const bool is_free_text =
        parts_[i].kind == Kind::kLocator &&
        (parts_[i].locator.kind == Place::kHeader || parts_[i].locator.kind == Place::kQuery);
    if (!is_free_text) continue;
    // Where nothing stands between, at least no JSON body may begin within the value.
    parts_[i].end = parts_[i + 1].kind == Kind::kLiteral ? parts_[i + 1].text : "{";
  }
}

void MessageTemplate::AddParameters(std::set<std::string>* out) const {
  for (const Part& part : parts_) {
    const bool has_locator = part.kind == Kind::kLocator || part.kind == Kind::kJsonString ||
                             part.kind == Kind::kBodyWithSecret;
    if (has_locator && part.locator.kind == Locator::Kind::kConfig && part.segment == 0) {
      out->insert(part.locator.name);
    }
  }
}

absl::Status MessageTemplate::CompileText(std::string_view text) {
  uint8_t segment = 0, segments_count = 0;
  while (!text.empty()) {
    const size_t special = std::min(text.find_first_of("{}[]"), text.size());
    if (special > 0) AddLiteral(text.substr(0, special), segment);
    text.remove_prefix(special);
    if (text.empty()) break;
    const char c = text[0];
    if (text.size() > 1 && text[1] == c) {
      AddLiteral(text.substr(0, 1), segment);
      text.remove_prefix(2);
      continue;
    }
    if (c == '[' && segment == 0 && segments_count < 255) {
      segment = ++segments_count;
      text.remove_prefix(1);
    } else if (c == ']' && segment != 0) {
      segment = 0;
      text.remove_prefix(1);
    } else if (const size_t close = text.find('}'); c == '{' && close != std::string_view::npos) {
      CONVOY_ASSIGN_OR_RETURN(Part part, CompilePart(text.substr(1, close - 1)));
      part.segment = segment;
      parts_.push_back(std::move(part));
      text.remove_prefix(close + 1);
    } else {
      return Invalid("has a brace or bracket without its partner");
    }
  }
  return segment == 0 ? absl::OkStatus() : Invalid("has a brace or bracket without its partner");
}

void MessageTemplate::AddLiteral(std::string_view text, uint8_t segment) {
  if (!parts_.empty() && parts_.back().kind == Kind::kLiteral && parts_.back().segment == segment) {
    parts_.back().text += text;
  } else {
    parts_.push_back({.text = std::string(text), .segment = segment});
  }
}

absl::StatusOr<MessageTemplate::Part> MessageTemplate::CompilePart(std::string_view name) {
  constexpr std::pair<std::string_view, Kind> kNames[] = {
      {"ts", Kind::kTimestamp},
      {"method", Kind::kMethod},
      {"path", Kind::kPath},
      {"query", Kind::kQuery},
      {"target", Kind::kTarget},
      {"url", Kind::kUrl},
      {"url_no_query", Kind::kUrlNoQuery},
      {"url_other_port", Kind::kUrlOtherPort},
      {"sha256hex:body", Kind::kBodySha256Hex},
      {"sha256base64:body", Kind::kBodySha256Base64},
      {"sha256base64url:body", Kind::kBodySha256Base64Url},
      {"sha256raw:body", Kind::kBodySha256Raw},
      {"crc32:body", Kind::kBodyCrc32},
      {"sha256hex:url", Kind::kUrlSha256Hex},
      {"secret", Kind::kSecret},
      {"computed", Kind::kComputed},
      {"form_sorted", Kind::kFormSorted},
      {"query_sorted", Kind::kQuerySorted},
      {"plivo_v3_url", Kind::kPlivoV3Url},
      {"contentful_target", Kind::kContentfulTarget},
      {"body_escaped", Kind::kBodyEscaped},
      {"qsh", Kind::kQueryStringHash}};
  for (const auto& [known, kind] : kNames) {
    if (name == known) return Part{.kind = kind};
  }
  Part part{.kind = Kind::kLocator};
  std::string_view rest = name;
  if (Consume(rest, "signed_headers:")) {
    if (!base::IsHeaderName(rest)) return Invalid("names no header in {signed_headers:…}");
    return Part{.kind = Kind::kSignedHeaders, .text = std::string(rest)};
  }
  if (Consume(rest, "json_string:")) part.kind = Kind::kJsonString;
  if (Consume(rest, "body_with_secret:")) part.kind = Kind::kBodyWithSecret;
  if (rest.ends_with("|lower")) {
    part.is_lower_case = true;
    rest.remove_suffix(6);
  }
  absl::StatusOr<Locator> locator = ParseLocator(rest);
  if (!locator.ok()) return Invalid(absl::StrCat("has an unknown part {", name, "}"));
  part.locator = *std::move(locator);
  return part;
}

bool MessageTemplate::Has(Kind kind) const {
  return std::any_of(parts_.begin(), parts_.end(),
                     [kind](const Part& part) { return part.kind == kind; });
}

bool MessageTemplate::covers_body() const {
  return std::any_of(parts_.begin(), parts_.end(), [](const Part& part) {
    switch (part.kind) {
      case Kind::kBodySha256Hex:
      case Kind::kBodySha256Base64:
      case Kind::kBodySha256Base64Url:
      case Kind::kBodySha256Raw:
      case Kind::kFormSorted:
      case Kind::kPlivoV3Url:
      case Kind::kBodyWithSecret:
      case Kind::kBodyEscaped:
        return true;
      case Kind::kLocator:
      case Kind::kJsonString:
        return part.locator.kind == Locator::Kind::kBody;
      default:
        return false;
    }
  });
}

bool MessageTemplate::covers(const Locator& place) const {
  const auto is_whole = [&place](Kind kind) {
    switch (kind) {
      case Kind::kQuery:
      case Kind::kTarget:
      case Kind::kUrl:
      case Kind::kUrlOtherPort:
      case Kind::kUrlSha256Hex:
      case Kind::kQuerySorted:
      case Kind::kPlivoV3Url:
      case Kind::kContentfulTarget:
      case Kind::kQueryStringHash:
        return place.kind == Locator::Kind::kQuery;
      case Kind::kSignedHeaders:  // the provider says which; those that matter to him
        return place.kind == Locator::Kind::kHeader;
      default:
        return false;
    }
  };
  const bool is_of_body = place.kind == Locator::Kind::kForm ||
                          place.kind == Locator::Kind::kJson ||
                          place.kind == Locator::Kind::kItem || place.kind == Locator::Kind::kBody;
  return (is_of_body && covers_body()) ||
         std::any_of(parts_.begin(), parts_.end(), [&](const Part& part) {
           const bool has_locator = part.kind == Kind::kLocator || part.kind == Kind::kJsonString;
           return (has_locator && part.locator == place) || is_whole(part.kind);
         });
}

bool MessageTemplate::covers_request() const {
  return std::any_of(parts_.begin(), parts_.end(), [](const Part& part) {
    if (part.kind == Kind::kLocator) return part.locator.kind != Locator::Kind::kConfig;
    return part.kind != Kind::kLiteral && part.kind != Kind::kSecret;
  });
}

bool MessageTemplate::IsSegmentThere(const Evidence& evidence, uint8_t segment) const {
  return std::all_of(parts_.begin(), parts_.end(), [&](const Part& part) {
    if (part.segment != segment || part.kind != Kind::kLocator) return true;
    Text text;
    return evidence.Find(part.locator, &text) != Finding::kMissing;
  });
}

bool MessageTemplate::IsOfHead(const Part& part) {
  switch (part.kind) {
    case Kind::kLocator:
    case Kind::kJsonString:
      return verify::IsOfHead(part.locator);
    case Kind::kBodySha256Hex:
    case Kind::kBodySha256Base64:
    case Kind::kBodySha256Base64Url:
    case Kind::kBodySha256Raw:
    case Kind::kBodyCrc32:
    case Kind::kFormSorted:
    case Kind::kPlivoV3Url:
    case Kind::kBodyWithSecret:
    case Kind::kBodyEscaped:
    case Kind::kComputed:
      return false;
    default:
      return true;
  }
}

bool MessageTemplate::is_of_head() const {
  return std::all_of(parts_.begin(), parts_.end(), [](const Part& part) { return IsOfHead(part); });
}

size_t MessageTemplate::FindBody() const {
  const auto body = std::find_if(parts_.begin(), parts_.end(), [](const Part& part) {
    return part.kind == Kind::kLocator && part.locator.kind == Locator::Kind::kBody &&
           !part.is_lower_case && part.segment == 0;
  });
  return static_cast<size_t>(body - parts_.begin());
}

bool MessageTemplate::is_streamable() const {
  const size_t body = FindBody();
  for (size_t i = 0; i < parts_.size(); ++i) {
    if (i != body && !IsOfHead(parts_[i])) return false;
  }
  return true;
}

Finding MessageTemplate::Feed(const Evidence& evidence, Sink sink) const {
  return FeedParts(parts_, evidence, sink);
}

Finding MessageTemplate::FeedBeforeBody(const Evidence& evidence, Sink sink) const {
  return FeedParts(std::span(parts_).first(FindBody()), evidence, sink);
}

Finding MessageTemplate::FeedAfterBody(const Evidence& evidence, Sink sink) const {
  return FeedParts(std::span(parts_).subspan(std::min(FindBody() + 1, parts_.size())), evidence,
                   sink);
}

Finding MessageTemplate::FeedParts(std::span<const Part> parts, const Evidence& evidence,
                                   Sink sink) const {
  uint8_t judged = 0;
  bool is_there = true;
  for (const Part& part : parts) {
    if (part.segment != judged) {
      judged = part.segment;
      is_there = judged == 0 || IsSegmentThere(evidence, judged);
    }
    if (!is_there) continue;
    if (const Finding finding = FeedPart(part, evidence, sink); finding != Finding::kFound) {
      return finding;
    }
  }
  return Finding::kFound;
}

Finding MessageTemplate::Render(const Evidence& evidence, std::string* out) const {
  return Feed(evidence, [out](std::string_view piece) { out->append(piece); });
}

Finding MessageTemplate::FeedLocator(const Part& part, const Evidence& evidence, Sink sink) {
  Text text;
  const Finding finding = evidence.Find(part.locator, &text);
  if (finding != Finding::kFound) return finding;
  if (!part.end.empty() && text.view().find(part.end) != std::string_view::npos) {
    return Finding::kAmbiguous;
  }
  if (part.kind == Kind::kJsonString) {
    json::Writer writer;
    sink(writer.String(text.view()).text());
  } else if (part.is_lower_case) {
    sink(absl::AsciiStrToLower(text.view()));
  } else {
    sink(text.view());
  }
  return Finding::kFound;
}

Finding MessageTemplate::FeedPart(const Part& part, const Evidence& evidence, Sink sink) {
  const VerifyRequest& request = evidence.request;
  switch (part.kind) {
    case Kind::kLiteral:
      sink(part.text);
      return Finding::kFound;
    case Kind::kLocator:
    case Kind::kJsonString:
      return FeedLocator(part, evidence, sink);
    case Kind::kTimestamp:
      sink(evidence.timestamp);
      return Finding::kFound;
    case Kind::kMethod:
      sink(request.method);
      return Finding::kFound;
    case Kind::kPath:
      sink(request.path);
      return Finding::kFound;
    case Kind::kQuery:
      sink(request.query);
      return Finding::kFound;
    case Kind::kTarget:
      sink(request.path);
      if (!request.query.empty()) sink("?"), sink(request.query);
      return Finding::kFound;
    case Kind::kUrl:
      sink(evidence.url);
      return Finding::kFound;
    case Kind::kUrlNoQuery:
      sink(evidence.url.substr(0, evidence.url.find('?')));
      return Finding::kFound;
    case Kind::kSecret:
      sink(evidence.secret);
      return Finding::kFound;
    case Kind::kComputed:
      sink(evidence.computed);
      return Finding::kFound;
    default:
      return FeedDerived(part, evidence, sink);
  }
}

// Feeds a part that has to be computed from the request.
Finding MessageTemplate::FeedDerived(const Part& part, const Evidence& evidence, Sink sink) {
  const VerifyRequest& request = evidence.request;
  const auto sha256 = [](std::string_view text) { return crypto::Hash(kSha256, text); };
  switch (part.kind) {
    case Kind::kBodySha256Hex:
      sink(base::HexEncode(sha256(request.body).view()));
      return Finding::kFound;
    case Kind::kBodySha256Base64:
      sink(base::Base64Encode(sha256(request.body).view()));
      return Finding::kFound;
    case Kind::kBodySha256Base64Url:
      sink(base::Base64UrlEncode(sha256(request.body).view()));
      return Finding::kFound;
    case Kind::kBodySha256Raw:
      sink(sha256(request.body).view());
      return Finding::kFound;
    case Kind::kBodyCrc32:
      sink(absl::StrCat(base::Crc32(request.body)));
      return Finding::kFound;
    case Kind::kUrlSha256Hex:
      sink(base::HexEncode(sha256(evidence.url).view()));
      return Finding::kFound;
    case Kind::kUrlOtherPort:
      return FeedOtherPortForm(evidence.url, sink);
    case Kind::kFormSorted:
      return FeedSortedForm(evidence.body, sink);
    case Kind::kQuerySorted:
      return FeedSortedQuery(request.query, sink);
    case Kind::kPlivoV3Url:
      return FeedPlivoV3Url(request, evidence.body, sink);
    case Kind::kContentfulTarget:
      return FeedContentfulTarget(request, sink);
    case Kind::kBodyEscaped:
      return FeedEscapedBody(request.body, sink);
    case Kind::kSignedHeaders:
      return FeedSignedHeaders(request, part.text, sink);
    case Kind::kQueryStringHash:
      return FeedQueryStringHash(request, sink);
    default:
      return FeedBodyWithSecret(evidence, part.locator, sink);
  }
}

}  // namespace convoy::verify
