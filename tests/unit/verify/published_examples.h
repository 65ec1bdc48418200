// Examples that providers publish, read from the file that says where each comes from.
#pragma once

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "convoy/verifier.h"
#include "lib/json/document.h"

namespace convoy {

struct Example {
  std::string name, preset, scheme, secret, method, url, body;
  std::vector<Header> headers;
  bool is_accepted = false;
  absl::Time now = absl::FromUnixSeconds(1'777'629'600);
};

inline std::vector<Example> ReadExamples() {
  std::ifstream file(CONVOY_TEST_DIR "/vectors/verify/published.json");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const json::Document document = json::Parse(text, {}).value();
  std::vector<Example> examples;
  for (const json::Value& element : document.GetArray()) {
    Example example;
    int64_t now = 0;
    json::ObjectReader reader(element);
    reader.Read("name", &example.name);
    reader.Read("preset", &example.preset);
    reader.Read("scheme", &example.scheme);
    reader.Read("secret", &example.secret);
    reader.Read("method", &example.method);
    reader.Read("url", &example.url);
    reader.Read("body", &example.body);
    reader.Read("accepted", &example.is_accepted);
    if (reader.Read("now", &now)) example.now = absl::FromUnixSeconds(now);
    for (const auto& member : reader.Object("headers")->GetObject()) {
      example.headers.push_back({member.name.GetString(), member.value.GetString()});
    }
    REQUIRE(reader.status().ok());
    examples.push_back(std::move(example));
  }
  return examples;
}

// Calls `judge` with the example as a request.
template <typename Judge>
auto WithRequest(const Example& example, Judge judge) {
  std::vector<HeaderView> headers;
  for (const Header& header : example.headers) headers.push_back({header.name, header.value});
  const size_t question = std::min(example.url.find('?'), example.url.size());
  const std::string_view url = example.url;
  return judge(VerifyRequest{.method = example.method,
                             .url = url,
                             .query = url.substr(std::min(question + 1, url.size())),
                             .headers = headers,
                             .body = example.body});
}

}  // namespace convoy
