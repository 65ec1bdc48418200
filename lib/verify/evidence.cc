// Look-ups of values in a request; see evidence.h.
#include "lib/verify/evidence.h"

#include <algorithm>

#include "lib/base/encoding.h"
#include "lib/base/text.h"

namespace convoy::verify {
namespace {

std::string_view TrimSpaces(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

Finding FindHeader(const VerifyRequest& request, std::string_view name, Text* out) {
  size_t count = 0;
  for (const HeaderView& header : request.headers) {
    if (!base::EqualsIgnoreCase(header.name, name)) continue;
    out->Borrow(header.value);
    ++count;
  }
  if (count == 0) return Finding::kMissing;
  return count == 1 ? Finding::kFound : Finding::kAmbiguous;
}

// Whether an encoded parameter name means `name`; a name with a broken escape means nothing.
bool NameEquals(std::string_view encoded, std::string_view name) {
  if (encoded.find_first_of("%+") == std::string_view::npos) return encoded == name;
  return base::PercentDecode(encoded, /*plus_is_space=*/true) == name;
}

// A parameter of a query or a form.
Finding FindParameter(std::string_view text, std::string_view name, Text* out) {
  size_t count = 0;
  std::string_view value;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    const size_t equals = std::min(pair.find('='), pair.size());
    if (!NameEquals(pair.substr(0, equals), name)) continue;
    value = pair.substr(std::min(equals + 1, pair.size()));
    ++count;
  }
  if (count == 0) return Finding::kMissing;
  if (count > 1) return Finding::kAmbiguous;
  if (value.find_first_of("%+") == std::string_view::npos) {
    out->Borrow(value);
    return Finding::kFound;
  }
  std::optional<std::string> decoded = base::PercentDecode(value, /*plus_is_space=*/true);
  if (!decoded.has_value()) return Finding::kAmbiguous;
  out->Own(*std::move(decoded));
  return Finding::kFound;
}

Finding FindListItem(const Evidence& evidence, std::string_view key, Text* out) {
  ListReader items(evidence.signature_list, evidence.item_separator);
  size_t count = 0;
  for (std::string_view item; items.Next(&item);) {
    const size_t separator = item.find(evidence.key_separator);
    if (separator == std::string_view::npos || item.substr(0, separator) != key) continue;
    out->Borrow(item.substr(separator + 1));
    ++count;
  }
  if (count == 0) return Finding::kMissing;
  return count == 1 ? Finding::kFound : Finding::kAmbiguous;
}

}  // namespace

bool ListReader::Next(std::string_view* item) {
  if (is_done_) return false;
  const size_t end = rest_.find(separator_);
  is_done_ = end == std::string_view::npos;
  *item = TrimSpaces(rest_.substr(0, end));
  if (!is_done_) rest_.remove_prefix(end + 1);
  return true;
}

namespace {

// The text of a value that was found.
Finding TextOf(const json::RawValue& value, Text* out) {
  switch (value.type) {
    case json::Type::kNull:
      return Finding::kMissing;
    case json::Type::kArray:
    case json::Type::kObject:
    case json::Type::kJunk:
      return Finding::kAmbiguous;
    case json::Type::kNumber:
    case json::Type::kTrue:
    case json::Type::kFalse:
      out->Borrow(value.text);
      return Finding::kFound;
    case json::Type::kString:
      break;
  }
  if (value.text.find('\\') == std::string_view::npos) {
    out->Borrow(value.text.substr(1, value.text.size() - 2));
    return Finding::kFound;
  }
  std::optional<std::string> decoded = value.AsString();
  if (!decoded.has_value()) return Finding::kAmbiguous;
  out->Own(*std::move(decoded));
  return Finding::kFound;
}

// A field of a form. Of an urlencoded one in place, because that is what nearly all are.
Finding FindFormField(body::BodyView& body, std::string_view name, Text* out) {
  if (!body.is_multipart()) {
    const std::string_view text = body.text();
    if (body.opacity() != body::Opacity::kNone) return Finding::kAmbiguous;
    return FindParameter(text, name, out);
  }
  const body::FormFields* const fields = body.form();
  if (fields == nullptr) return Finding::kAmbiguous;
  size_t count = 0;
  for (const auto& [field, value] : *fields) {
    if (field != name) continue;
    out->Borrow(value);
    ++count;
  }
  if (count == 0) return Finding::kMissing;
  return count == 1 ? Finding::kFound : Finding::kAmbiguous;
}

// "field", or "field#path" for a value of the JSON that the field holds.
Finding FindInForm(body::BodyView& body, std::string_view name, Text* out) {
  const size_t mark = name.find('#');
  if (mark == std::string_view::npos) return FindFormField(body, name, out);
  Text field, value;
  Finding finding = FindFormField(body, name.substr(0, mark), &field);
  if (finding == Finding::kFound) finding = FindJson(field.view(), name.substr(mark + 1), &value);
  if (finding == Finding::kFound) out->Own(std::string(value.view()));
  return finding;
}

}  // namespace

std::optional<json::RawValue> FindOnly(std::string_view json, std::string_view path) {
  const json::Place place = json::Look(json, path);
  if (!place.is_found() || place.is_repeated || place.is_cut) return std::nullopt;
  return place.value;
}

Finding FindJson(std::string_view json, std::string_view path, Text* out) {
  const json::Place place = json::Look(json, path);
  if (place.is_repeated || place.is_cut) return Finding::kAmbiguous;
  return place.is_found() ? TextOf(place.value, out) : Finding::kMissing;
}

Finding FindInBody(body::BodyView& body, std::string_view path, Text* out) {
  const std::string_view text = body.text();
  if (body.opacity() != body::Opacity::kNone) return Finding::kAmbiguous;
  return FindJson(text, path, out);
}

std::optional<json::RawValue> FindOnlyClaim(std::string_view json, std::string_view path) {
  bool is_repeated = false;
  const auto value = json::FindPath(json, path, kClaimsLimits, &is_repeated);
  return is_repeated ? std::nullopt : value;
}

Finding FindClaim(std::string_view json, std::string_view path, Text* out) {
  bool is_repeated = false;
  const auto value = json::FindPath(json, path, kClaimsLimits, &is_repeated);
  if (is_repeated) return Finding::kAmbiguous;
  return value.has_value() ? TextOf(*value, out) : Finding::kMissing;
}

Finding Evidence::Find(const Locator& locator, Text* out) const {
  using Kind = Locator::Kind;
  Finding finding = Finding::kMissing;
  switch (locator.kind) {
    case Kind::kHeader:
      finding = FindHeader(request, locator.name, out);
      break;
    case Kind::kQuery:
      finding = FindParameter(request.query, locator.name, out);
      break;
    case Kind::kSignatureItem:
      finding = FindListItem(*this, locator.name, out);
      break;
    case Kind::kConfig:
      if (const auto found = parameters.find(locator.name); found != parameters.end()) {
        out->Borrow(found->second);
        finding = Finding::kFound;
      }
      break;
    // A value of the body may be as large as the body.
    case Kind::kForm:
      return FindInForm(body, locator.name, out);
    case Kind::kJson:
      return FindInBody(body, locator.name, out);
    case Kind::kItem:
      return FindJson(item, locator.name, out);
    case Kind::kJwt:
      return FindClaim(jwt_claims, locator.name, out);
    case Kind::kBody:
      out->Borrow(request.body);
      return Finding::kFound;
  }
  const bool is_too_long = finding == Finding::kFound && out->view().size() > kFieldBytesMax;
  return is_too_long ? Finding::kAmbiguous : finding;
}

}  // namespace convoy::verify
