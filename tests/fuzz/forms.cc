// Form bodies as JSON, and the places in a request that a source names.
//
// Input, line by line: a content type, a location, a query, a header's value; then the body.
#include <algorithm>
#include <string>

#include "lib/base/text.h"
#include "lib/body/body_view.h"
#include "lib/intake/locations.h"
#include "lib/json/raw.h"
#include "tests/fuzz/finding.h"
#include "tests/fuzz/input.h"

namespace convoy::fuzz {
namespace {

void CheckForm(std::string_view content_type, std::string_view body) {
  const auto fields = body::ReadForm(content_type, body);
  Require(!fields.has_value() || body::IsForm(content_type), "only forms are read as forms");
  if (!fields.has_value()) return;
  const std::string form = body::FieldsToJson(*fields);
  // Names and values repeat the body, each byte escaped at worst as six, and brackets around them.
  Require(form.size() <= body.size() * 6 + body::kFormFieldsMax * 8,
          "a form is not larger in JSON than spelling makes it");
  Require(json::ScanObject(form, {}).ok(), "a form is an object");
}

// Unpacking is bounded, and what is JSON to a strict reader is found by one that does not check.
void CheckView(std::string_view content_type, std::string_view coding, std::string_view body) {
  constexpr size_t kBytesMax = 64 * 1024;
  const HeaderView headers[] = {{"Content-Type", content_type}, {"Content-Encoding", coding}};
  body::BodyView view(headers, body, kBytesMax);
  Require(view.text().size() <= std::max(body.size(), kBytesMax), "unpacking is bounded");
  Require(view.text().empty() || view.opacity() == body::Opacity::kNone, "what is seen is seen");
  const std::string_view text = view.json();
  const auto object = json::ScanObject(text, json::kPayloadLimits);
  if (!object.ok()) return;
  for (const json::RawMember& member : object->members) {
    if (member.key.empty() || member.key.find('.') != member.key.npos) continue;
    const json::Place place = view.Find(member.key);
    Require(place.is_found() && !place.is_cut, "a member is found");
    Require(place.value.text == object->Find(member.key)->text, "the last of equal names counts");
  }
}

void CheckLocation(std::string_view location, const HttpRequest& request, body::BodyView& view) {
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
  for (const std::string_view coding : {"", "gzip", "deflate", "deflate, gzip"}) {
    CheckView(content_type, coding, body);
  }
  const HeaderView headers[] = {{"Content-Type", content_type}, {"X-Id", header}};
  const HttpRequest request = {
      .method = "POST", .path = "/", .query = query, .headers = headers, .body = body};
  body::BodyView view(content_type, body);
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
