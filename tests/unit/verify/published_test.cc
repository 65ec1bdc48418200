// Examples that providers publish, judged by the presets.
#include "tests/unit/verify/published_examples.h"

namespace convoy {
namespace {

Verdict Judge(const Verifier& verifier, const Example& example) {
  return WithRequest(
      example, [&](const VerifyRequest& request) { return verifier.Verify(request, example.now); });
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
