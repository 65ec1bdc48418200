// Form bodies as JSON, and the places in a request that a source names.
//
// Input, line by line: a content type, a location, a query, a header's value; then the body.
#include <string>

#include "lib/base/text.h"
#include "lib/intake/form_body.h"
#include "lib/intake/json_view.h"
#include "lib/intake/locations.h"
#include "lib/json/raw.h"
#include "tests/fuzz/finding.h"
#include "tests/fuzz/input.h"

namespace convoy::fuzz {
namespace {

void CheckForm(std::string_view content_type, std::string_view body) {
  const auto form = intake::FormToJson(content_type, body);
  Require(!form.has_value() || intake::IsForm(content_type), "only forms are read as forms");
  if (!form.has_value()) return;
  // Names and values repeat the body, each byte escaped at worst as six, and brackets around them.
  Require(form->size() <= body.size() * 6 + intake::kFormFieldsMax * 8,
          "a form is not larger in JSON than spelling makes it");
  Require(json::ScanObject(*form, {}).ok(), "a form is an object");
}

void CheckLocation(std::string_view location, const HttpRequest& request,
                   const intake::JsonView& view) {
  const absl::Status known = intake::CheckIdempotencyLocation(location);
  Require(known.ok() || base::IsValidUtf8(known.message()), "an error is a text");
  const auto value = intake::FindAtLocation(location, request, view);
  Require(!value.has_value() || !value->empty(), "what is found is not empty");
  const auto place = intake::CheckEventTypeLocation(
      {.verifier = HmacVerifierConfig{}, .event_type_location = std::string(location)});
  Require(place.ok() || base::IsValidUtf8(place.message()), "an error is a text");
}

void Run(Input& input) {
  const std::string_view content_type = input.TextUntil('\n');
  const std::string_view location = input.TextUntil('\n');
  const std::string_view query = input.TextUntil('\n');
  const std::string_view header = input.TextUntil('\n');
  const std::string_view body = input.Rest();
  CheckForm(content_type, body);
  Require(json::Validate(intake::DataAsJson(content_type, body), {.values_max = 2'000'000}).ok(),
          "any body can be shown in an answer");
  const HeaderView headers[] = {{"Content-Type", content_type}, {"X-Id", header}};
  const HttpRequest request = {
      .method = "POST", .path = "/", .query = query, .headers = headers, .body = body};
  const intake::JsonView view(content_type, body);
  for (const std::string_view place :
       {location, std::string_view("request.header.X-Id"), std::string_view("req.query.id"),
        std::string_view("request.body.a.0.b")}) {
    CheckLocation(place, request, view);
  }
  const auto first = base::FindQueryParameter(query, "id");
  const auto all = base::FindQueryParameters(query, "id");
  Require(!first.has_value() || (!all.empty() && all.front() == *first),
          "the first of all parameters is the first");
}

}  // namespace
}  // namespace convoy::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  convoy::fuzz::Input input(data, size);
  convoy::fuzz::Run(input);
  return 0;
}
