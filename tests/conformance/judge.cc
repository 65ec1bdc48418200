// Our verification engine behind a pipe, for the cross-check with the providers' own libraries.
//
// In: one JSON object per line, {"preset" | "scheme", "scheme_name", "secrets", "config", "method",
// "url", "headers": [["name", "value"], …], "body_base64", "now_ms", "published": {URL: document}}.
// Out, one line each:
// {"reason", "integrity", "scheme", "event_id"}, or {"error"} if it does not come to a verdict.
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

#include "convoy/http.h"
#include "convoy/verifier.h"
#include "lib/base/status_macros.h"
#include "lib/json/document.h"
#include "lib/verify/key_source.h"
#include "lib/verify/preset.h"
#include "lib/verify/preset_verifier.h"

namespace convoy {
namespace {

std::string ToText(const json::Value& value) {
  json::rapidjson::StringBuffer buffer;
  json::rapidjson::Writer<json::rapidjson::StringBuffer> writer(buffer);
  value.Accept(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

std::string_view View(const json::Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

// Published keys, as the order gives them.
class GivenKeys final : public verify::KeySource {
 public:
  explicit GivenKeys(std::map<std::string, std::string> documents)
      : documents_(std::move(documents)) {}

  std::shared_ptr<const verify::PublicKeySet> Find(const verify::KeyLocation& location,
                                                   std::string_view url,
                                                   std::string_view /*key_id*/) override {
    const auto document = documents_.find(std::string(url));
    if (document == documents_.end()) return nullptr;
    absl::StatusOr<verify::PublicKeySet> keys = verify::ReadKeyDocument(location, document->second);
    if (!keys.ok()) return nullptr;
    return std::make_shared<const verify::PublicKeySet>(*std::move(keys));
  }

 private:
  const std::map<std::string, std::string> documents_;
};

absl::StatusOr<std::map<std::string, std::string>> ReadTexts(const json::Value* object,
                                                             std::string_view name) {
  std::map<std::string, std::string> texts;
  if (object == nullptr) return texts;
  for (const auto& member : object->GetObject()) {
    if (!member.value.IsString()) {
      return absl::InvalidArgumentError(absl::StrCat(name, " holds texts"));
    }
    texts.emplace(View(member.name), View(member.value));
  }
  return texts;
}

absl::StatusOr<std::shared_ptr<const Verifier>> CompileOrder(const json::Document& order) {
  json::ObjectReader reader(order);
  VerifierSettings settings;
  std::string preset;
  reader.Read("secrets", &settings.secrets);
  reader.Read("scheme_name", &settings.scheme);
  reader.Read("preset", &preset);
  const json::Value* config = reader.Object("config");
  const json::Value* scheme = reader.Object("scheme");
  const json::Value* published = reader.Object("published");
  CONVOY_RETURN_IF_ERROR(reader.status());
  CONVOY_ASSIGN_OR_RETURN(settings.parameters, ReadTexts(config, "config"));
  if (scheme != nullptr) return CompileScheme(ToText(*scheme), std::move(settings));
  if (published == nullptr) return CompilePreset(preset, std::move(settings));
  CONVOY_ASSIGN_OR_RETURN(auto documents, ReadTexts(published, "published"));
  CONVOY_ASSIGN_OR_RETURN(const verify::Preset found, verify::FindPreset(preset));
  return verify::CompilePresetVerifier(found, settings,
                                       std::make_shared<GivenKeys>(std::move(documents)));
}

absl::StatusOr<std::vector<HeaderView>> ReadHeaders(const json::Value* list) {
  std::vector<HeaderView> headers;
  if (list == nullptr) return headers;
  for (const json::Value& pair : list->GetArray()) {
    if (!pair.IsArray() || pair.Size() != 2 || !pair[0].IsString() || !pair[1].IsString()) {
      return absl::InvalidArgumentError("a header is a pair of texts");
    }
    headers.push_back({.name = View(pair[0]), .value = View(pair[1])});
  }
  return headers;
}

// Reduces the URL to what a server passes on: path and query, without scheme, authority and
// fragment.
void SplitUrl(VerifyRequest* request) {
  std::string_view rest = request->url;
  if (const size_t scheme_end = rest.find("://"); scheme_end != std::string_view::npos) {
    rest.remove_prefix(scheme_end + 3);
    const size_t path_begin = rest.find_first_of("/?#");
    rest.remove_prefix(path_begin == std::string_view::npos ? rest.size() : path_begin);
  }
  rest = rest.substr(0, rest.find('#'));
  const size_t query_begin = rest.find('?');
  request->path = rest.substr(0, query_begin);
  if (query_begin != std::string_view::npos) request->query = rest.substr(query_begin + 1);
}

absl::StatusOr<std::string> Judge(std::string_view line) {
  CONVOY_ASSIGN_OR_RETURN(const json::Document order, json::Parse(line, json::Limits{}));
  if (!order.IsObject()) return absl::InvalidArgumentError("an order is an object");
  json::ObjectReader reader(order);
  std::string method;
  std::string url;
  std::string body_base64;
  int64_t now_ms = 0;
  reader.Read("method", &method);
  reader.Read("url", &url);
  reader.Read("body_base64", &body_base64);
  reader.Read("now_ms", &now_ms);
  const json::Value* header_list = reader.Array("headers");
  CONVOY_RETURN_IF_ERROR(reader.status());
  CONVOY_ASSIGN_OR_RETURN(const std::vector<HeaderView> headers, ReadHeaders(header_list));
  std::string body;
  if (!absl::Base64Unescape(body_base64, &body)) {
    return absl::InvalidArgumentError("body_base64 is not base64");
  }
  CONVOY_ASSIGN_OR_RETURN(const std::shared_ptr<const Verifier> verifier, CompileOrder(order));
  VerifyRequest request{.method = method, .url = url, .headers = headers, .body = body};
  SplitUrl(&request);
  const Verdict verdict = verifier->Verify(request, absl::FromUnixMillis(now_ms));

  json::Document answer(json::rapidjson::kObjectType);
  auto& allocator = answer.GetAllocator();
  const auto add = [&](const char* name, std::string_view value) {
    answer.AddMember(json::rapidjson::StringRef(name), json::Value(std::string(value), allocator),
                     allocator);
  };
  add("reason", VerifyReasonName(verdict.reason));
  add("integrity", IntegrityName(verdict.integrity));
  add("scheme", verdict.scheme);
  add("event_id", verdict.accepted() ? verifier->EventId(request) : "");
  return ToText(answer);
}

std::string ErrorText(const absl::Status& status) {
  json::Document answer(json::rapidjson::kObjectType);
  answer.AddMember("error", json::Value(status.ToString(), answer.GetAllocator()),
                   answer.GetAllocator());
  return ToText(answer);
}

}  // namespace
}  // namespace convoy

int main() {
  std::ios::sync_with_stdio(false);
  std::string line;
  while (std::getline(std::cin, line)) {
    const absl::StatusOr<std::string> answer = convoy::Judge(line);
    std::cout << (answer.ok() ? *answer : convoy::ErrorText(answer.status())) << std::endl;
  }
  return 0;
}
