// Lazy reading of a body: unpacked, parsed as a form and written as JSON when first asked for.
#include "lib/body/body_view.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#include "lib/base/text.h"
#include "lib/body/content_coding.h"
#include "lib/json/raw.h"

namespace convoy::body {
namespace {

template <typename AnyHeaders>
std::string JoinedEncoding(const AnyHeaders& headers) {
  std::string joined;
  for (const auto& header : headers) {
    if (!base::EqualsIgnoreCase(header.name, "Content-Encoding")) continue;
    absl::StrAppend(&joined, joined.empty() ? "" : ",", header.value);
  }
  return joined;
}

// Two or four bytes for each character: a mark says so, or the zeros of the first character, which
// is ASCII in any JSON.
bool IsWide(std::string_view text) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) return true;
  return text.size() >= 2 && (text[0] == '\0') != (text[1] == '\0');
}

bool IsWholeJson(std::string_view text) {
  const std::optional<json::RawValue> value = json::SkimValue(text);
  if (!value.has_value()) return false;
  const std::string_view behind =
      text.substr(static_cast<size_t>(value->text.data() - text.data()) + value->text.size());
  return absl::StripAsciiWhitespace(behind).empty();
}

}  // namespace

std::string_view OpacityName(Opacity opacity) {
  switch (opacity) {
    case Opacity::kNone:
      return "none";
    case Opacity::kUnknownCoding:
      return "unknown_coding";
    case Opacity::kDamagedCoding:
      return "damaged_coding";
    case Opacity::kDecodedTooLarge:
      return "decoded_too_large";
    case Opacity::kNotUtf8:
      return "not_utf8";
    case Opacity::kMalformedForm:
      return "malformed_form";
    case Opacity::kNotJson:
      break;
  }
  return "not_json";
}

std::string_view OpacityText(Opacity opacity) {
  switch (opacity) {
    case Opacity::kNone:
      return "the body can be looked into";
    case Opacity::kUnknownCoding:
      return "the body has a Content-Encoding that is not decoded here";
    case Opacity::kDamagedCoding:
      return "the body is not what its Content-Encoding says";
    case Opacity::kDecodedTooLarge:
      return "the body is too large to be looked into once it is unpacked";
    case Opacity::kNotUtf8:
      return "the body is UTF-16 or UTF-32, and only UTF-8 is looked into";
    case Opacity::kMalformedForm:
      return "the body is no form of its content type";
    case Opacity::kNotJson:
      break;
  }
  return "the body is not JSON as far as it had to be read";
}

BodyView::BodyView(std::span<const HeaderView> headers, std::string_view body,
                   size_t decoded_bytes_max)
    : body_(body),
      content_type_(base::FindHeader(headers, "Content-Type").value_or("")),
      content_encoding_(JoinedEncoding(headers)),
      decoded_bytes_max_(decoded_bytes_max) {}

BodyView::BodyView(std::string_view content_type, const Headers& headers, std::string_view body)
    : body_(body),
      content_type_(content_type),
      content_encoding_(JoinedEncoding(headers)),
      decoded_bytes_max_(kDecodedBytesMax) {}

BodyView::BodyView(std::string_view content_type, std::string_view body)
    : body_(body), content_type_(content_type), decoded_bytes_max_(kDecodedBytesMax) {}

void BodyView::Open() {
  if (is_open_) return;
  is_open_ = true;
  text_ = body_;
  switch (DecodeContent(content_encoding_, body_, decoded_bytes_max_, &decoded_)) {
    case DecodeResult::kPlain:
      break;
    case DecodeResult::kDecoded:
      text_ = decoded_;
      break;
    case DecodeResult::kUnknown:
      coding_opacity_ = Opacity::kUnknownCoding;
      break;
    case DecodeResult::kDamaged:
      coding_opacity_ = Opacity::kDamagedCoding;
      break;
    case DecodeResult::kTooLarge:
      coding_opacity_ = Opacity::kDecodedTooLarge;
      break;
  }
  if (coding_opacity_ == Opacity::kNone && IsWide(text_)) coding_opacity_ = Opacity::kNotUtf8;
  if (coding_opacity_ != Opacity::kNone) text_ = {};
  if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
}

std::string_view BodyView::text() {
  Open();
  opacity_ = coding_opacity_;
  return text_;
}

bool BodyView::is_multipart() {
  if (IsMultipart(content_type_)) return true;
  if (!content_type_.empty()) return false;
  if (guessed_type_.empty()) guessed_type_ = GuessMultipart(text());
  return !guessed_type_.empty();
}

const FormFields* BodyView::form() {
  if (!has_tried_form_) {
    has_tried_form_ = true;
    const std::string_view bytes = text();
    const std::string_view type = is_multipart() && content_type_.empty() ? guessed_type_
                                  : IsForm(content_type_)                 ? content_type_
                                                          : "application/x-www-form-urlencoded";
    if (coding_opacity_ == Opacity::kNone) form_ = ReadForm(type, bytes);
  }
  opacity_ = coding_opacity_;
  if (opacity_ == Opacity::kNone && !form_.has_value()) opacity_ = Opacity::kMalformedForm;
  return form_.has_value() ? &*form_ : nullptr;
}

// JSON is often sent with the content type of a form, the default of curl; no form begins and ends
// like it.
bool BodyView::IsFormForJson() {
  if (!IsForm(content_type_) && !is_multipart()) return false;
  const std::string_view bytes = absl::StripLeadingAsciiWhitespace(text());
  const bool may_be_json = bytes.starts_with('{') || bytes.starts_with('[');
  return is_multipart() || !may_be_json || !IsWholeJson(bytes);
}

std::string_view BodyView::json() {
  if (!IsFormForJson()) return text();
  const FormFields* const fields = form();
  if (fields == nullptr) return {};
  if (!form_json_.has_value()) form_json_ = FieldsToJson(*fields);
  return *form_json_;
}

void BodyView::MarkNotJson() {
  if (opacity_ == Opacity::kNone) opacity_ = Opacity::kNotJson;
}

json::Place BodyView::Find(std::string_view path) {
  const std::string_view text = json();
  if (opacity_ != Opacity::kNone) return {};
  const json::Place place = json::Look(text, path);
  if (place.sight == json::Sight::kUnreadable) opacity_ = Opacity::kNotJson;
  return place;
}

std::optional<std::string_view> AsJsonValue(BodyView& view) {
  const std::string_view text = view.json();
  if (!json::Validate(text, json::kPayloadLimits).ok()) return std::nullopt;
  return text;
}

}  // namespace convoy::body
