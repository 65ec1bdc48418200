// A body as JSON, whatever its content type. Event.body always holds the bytes that came in and
// that go out; where somebody wants JSON of it (filters, locations, the API), this is how it is
// read.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace convoy::intake {

// Borrows `body`, which must outlive it.
class JsonView {
 public:
  JsonView(std::string_view content_type, std::string_view body);

  // The JSON object of a form, else the body itself, which may or may not be JSON.
  std::string_view text() const { return form_.has_value() ? std::string_view(*form_) : body_; }

 private:
  std::string_view body_;
  std::optional<std::string> form_;
};

// `body` as exactly one JSON value, fit to be put into an answer: as it is if it is JSON, the
// object of a form, otherwise a JSON string of the text or, where it is not UTF-8, of its base64.
std::string DataAsJson(std::string_view content_type, std::string_view body);

}  // namespace convoy::intake
