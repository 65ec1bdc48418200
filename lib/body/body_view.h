// The one reader of bodies: what places of schemes, idempotency keys, event types, filters and the
// API see of a body. Its bytes stay what they are; where a value of it is wanted, this is how it is
// read, whatever its content type and coding.
//
//   Content-Encoding    gzip, deflate and br are undone under a bound, once, on first use
//   byte order mark     that of UTF-8 is passed over; UTF-16 and UTF-32 are not read
//   forms               urlencoded and multipart, by their content type
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "convoy/http.h"
#include "lib/body/form.h"
#include "lib/json/skim.h"

namespace convoy::body {

// The largest size of a body that is unpacked to be looked into.
inline constexpr size_t kDecodedBytesMax = 32 * 1024 * 1024;

// Why nothing can be seen in a body.
enum class Opacity : uint8_t {
  kNone,
  kUnknownCoding,    // a Content-Encoding that is not undone here
  kDamagedCoding,    // not what its Content-Encoding says
  kDecodedTooLarge,  // larger than the bound once it is unpacked
  kNotUtf8,          // UTF-16 or UTF-32
  kMalformedForm,    // a multipart form that is none, or one with too many fields
  kNotJson,          // what had to be read of it is not JSON
};

// "unknown_coding" and so on: for programs, permanent.
std::string_view OpacityName(Opacity opacity);
// For people: one line.
std::string_view OpacityText(Opacity opacity);

// Borrows what it is given. Of one thread: values are made when they are first asked for.
class BodyView {
 public:
  // Of a request.
  BodyView(std::span<const HeaderView> headers, std::string_view body,
           size_t decoded_bytes_max = kDecodedBytesMax);
  // Of an event that is stored: its content type stands apart from its headers.
  BodyView(std::string_view content_type, const Headers& headers, std::string_view body);
  // Of a body that is not coded.
  BodyView(std::string_view content_type, std::string_view body);

  BodyView(const BodyView&) = delete;
  BodyView& operator=(const BodyView&) = delete;

  // The body unpacked and without its byte order mark; empty if that cannot be had: see opacity().
  std::string_view text();

  // text(), or the object that a form is. May or may not be JSON.
  std::string_view json();

  // The fields of a form, of a multipart form also where no content type says that it is one. Null
  // if it cannot be read as one.
  const FormFields* form();

  // The value at a path of json(). Says kNotJson in opacity() if the way to it is not readable.
  json::Place Find(std::string_view path);

  // Why the last thing that was asked for could not be seen; kNone: it could.
  Opacity opacity() const { return opacity_; }

  // Says kNotJson, unless the body cannot be seen for another reason: of a reader of json() that
  // found it not to be JSON.
  void MarkNotJson();

  bool is_multipart();

 private:
  void Open();
  bool IsFormForJson();

  const std::string_view body_;
  std::string_view content_type_;
  std::string guessed_type_;
  std::string content_encoding_;
  const size_t decoded_bytes_max_;

  bool is_open_ = false;
  std::string decoded_;
  std::string_view text_;
  Opacity opacity_ = Opacity::kNone;
  Opacity coding_opacity_ = Opacity::kNone;  // what Open found
  bool has_tried_form_ = false;
  std::optional<FormFields> form_;
  std::optional<std::string> form_json_;
};

// `view` as exactly one JSON value, fit to be put into an answer: as it is if it is JSON, the
// object of a form; nullopt for anything else.
std::optional<std::string_view> AsJsonValue(BodyView& view);

}  // namespace convoy::body
