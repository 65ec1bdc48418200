// The examples that providers publish, judged by the presets. The file says where each comes from.
#include <fstream>
#include <iterator>

#include <catch2/catch.hpp>

#include "convoy/verifier.h"
#include "lib/json/document.h"

namespace convoy {
namespace {

struct Example {
  std::string name, preset, scheme, secret, method, url, body;
  std::vector<Header> headers;
  bool is_accepted = false;
  absl::Time now = absl::FromUnixSeconds(1'777'629'600);
};

std::vector<Example> ReadExamples() {
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

Verdict Judge(const Verifier& verifier, const Example& example) {
  std::vector<HeaderView> headers;
  for (const Header& header : example.headers) headers.push_back({header.name, header.value});
  const size_t question = std::min(example.url.find('?'), example.url.size());
  const std::string_view url = example.url;
  return verifier.Verify({.method = example.method,
                          .url = url,
                          .query = url.substr(std::min(question + 1, url.size())),
                          .headers = headers,
                          .body = example.body},
                         example.now);
}

TEST_CASE("published: every example is judged as its provider judges it") {
  const std::vector<Example> examples = ReadExamples();
  REQUIRE(examples.size() >= 30);
  for (const Example& example : examples) {
    INFO(example.name);
    const auto verifier = CompilePreset(
        example.preset, VerifierSettings{.secrets = {example.secret}, .scheme = example.scheme});
    INFO(verifier.status().ToString());
    REQUIRE(verifier.ok());
    const Verdict verdict = Judge(**verifier, example);
    INFO(VerifyReasonName(verdict.reason));
    CHECK(verdict.accepted() == example.is_accepted);
  }
}

TEST_CASE("published: with another secret none is accepted") {
  for (const Example& example : ReadExamples()) {
    if (example.scheme == "v1a") continue;  // another key is another curve point
    INFO(example.name);
    const auto verifier = CompilePreset(
        example.preset,
        VerifierSettings{.secrets = {"whsec_MfKQ9r8GKYqrTwjUPD8I"}, .scheme = example.scheme});
    REQUIRE(verifier.ok());
    CHECK_FALSE(Judge(**verifier, example).accepted());
  }
}

}  // namespace
}  // namespace convoy
