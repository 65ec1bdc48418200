// Signs what it is told to: one JSON object a line in, one out. For comparing our Signature Version
// 4 with others'.
#include <iostream>
#include <string>

#include "lib/base/encoding.h"
#include "lib/broker/sqs/sigv4.h"
#include "lib/json/document.h"
#include "lib/json/writer.h"

namespace {

using convoy::json::ObjectReader;
using convoy::json::Value;

// [["name", "value"], …]
template <typename Add>
void ForEachPair(const Value* pairs, Add add) {
  for (const Value& pair : pairs->GetArray()) add(pair[0].GetString(), pair[1].GetString());
}

std::string Answer(const Value& question) {
  ObjectReader reader(question);
  std::string method, path, body_base64, region, service;
  convoy::broker::SigV4Credentials credentials;
  int64_t unix_seconds = 0;
  reader.Read("method", &method);
  reader.Read("path", &path);
  reader.Read("body", &body_base64);
  reader.Read("region", &region);
  reader.Read("service", &service);
  reader.Read("access_key_id", &credentials.access_key_id);
  reader.Read("secret_key", &credentials.secret_key);
  reader.Read("time", &unix_seconds);
  const std::string body = convoy::base::Base64Decode(body_base64).value();
  convoy::broker::SigV4Request request = {.method = method, .path = path, .body = body};
  ForEachPair(reader.Array("query"), [&](const char* name, const char* value) {
    request.query.emplace_back(name, value);
  });
  ForEachPair(reader.Array("headers"), [&](const char* name, const char* value) {
    request.headers.push_back({name, value});
  });
  const absl::Time time = absl::FromUnixSeconds(unix_seconds);
  const std::string canonical = convoy::broker::CanonicalRequestOf(request);
  convoy::json::Writer writer;
  writer.BeginObject()
      .Field("canonical_request", canonical)
      .Field("string_to_sign", convoy::broker::StringToSign(canonical, time, region, service))
      .Field("authorization", convoy::broker::SignV4(request, time, region, service, credentials))
      .EndObject();
  return writer.TakeText();
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    const auto question = convoy::json::Parse(line, convoy::json::Limits());
    if (!question.ok()) return 2;
    std::cout << Answer(*question) << std::endl;
  }
}
