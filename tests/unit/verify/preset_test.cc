// The catalogue as data: every file loads, compiles with a secret of its own form, and has its
// facts' source.
#include "lib/verify/preset.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_split.h"
#include <catch2/catch.hpp>

#include "convoy/verifier.h"
#include "lib/verify/guarantees.h"
#include "lib/verify/preset_parameters.h"
#include "lib/verify/preset_verifier.h"

namespace convoy::verify {
namespace {

TEST_CASE("preset: every file loads and names its evidence") {
  REQUIRE(PresetFiles().size() >= 150);
  for (const PresetFile& file : PresetFiles()) {
    INFO(file.name);
    const absl::StatusOr<Preset> preset = LoadPreset(file.json);
    INFO(preset.status().ToString());
    REQUIRE(preset.ok());
    CHECK_FALSE(preset->title.empty());
    CHECK_FALSE(preset->evidence.empty());
    CHECK_FALSE(preset->sources.empty());
  }
  CHECK(ListPresets().size() == PresetFiles().size());
}

TEST_CASE("preset: shared secrets and public keys are never alternatives of each other") {
  for (const PresetFile& file : PresetFiles()) {
    INFO(file.name);
    const Preset preset = LoadPreset(file.json).value();
    const absl::Status status = CompilePresetVerifier(preset, {.secrets = {"-"}}).status();
    CHECK(status.message().find("opt_in") == std::string::npos);
  }
  const auto mixed = CompileScheme(
      R"({"schemes": [
           {"type": "hmac", "signature": {"name": "A"}},
           {"type": "ed25519", "encoding": "base64", "signature": {"name": "B"},
            "key": {"format": "base64"}}]})",
      {"1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="});
  CHECK(mixed.status().message().find("opt_in") != std::string::npos);
}

TEST_CASE("preset: what accepts everything is no alternative to a signature") {
  const auto open = CompileScheme(
      R"({"schemes": [{"type": "none"}, {"type": "hmac", "signature": {"name": "A"}}]})", {"s"});
  CHECK(open.status().message().find("opt_in") != std::string::npos);
  const auto mollie = CompilePreset("mollie", {"s"}).value();
  CHECK_FALSE(mollie->Verify({.body = "id=tr_1"}, absl::UnixEpoch()).accepted());
  const auto unsigned_one = CompilePreset("mollie", VerifierSettings{.scheme = "none"}).value();
  CHECK(unsigned_one->Verify({.body = "id=tr_1"}, absl::UnixEpoch()).accepted());
}

TEST_CASE("preset: weaker forms of a signature are used only if they are asked for") {
  for (const auto& [preset, weaker] : {std::pair{"github", "legacy_sha1"},
                                       {"meta", "legacy_sha1"},
                                       {"hubspot", "v1"},
                                       {"hubspot", "v2"},
                                       {"plivo", "v1"},
                                       {"plivo", "v2"},
                                       {"messagebird", "legacy"},
                                       {"zero_hash", "legacy"},
                                       {"nango", "legacy"},
                                       {"imagekit", "legacy_x_ik_signature"}}) {
    INFO(preset << " " << weaker);
    size_t found_count = 0;
    const Preset found = FindPreset(preset).value();
    for (const Scheme& scheme : found.schemes) {
      if (scheme.name == weaker) found_count += scheme.is_opt_in ? 1 : 0;
    }
    CHECK(found_count == 1);
  }
}

TEST_CASE("preset: names are in order, found by name and by alias") {
  std::string_view previous;
  for (const PresetFile& file : PresetFiles()) {
    CHECK(previous < file.name);
    previous = file.name;
    CHECK(FindPresetFile(file.name) == &file);
  }
  CHECK(FindPreset("twitter").value().title == FindPreset("x").value().title);
  CHECK(absl::IsNotFound(FindPreset("nobody").status()));
}

TEST_CASE("preset: a mistake is refused with the field named") {
  const std::string schemes = R"("schemes":[{"type":"none"}])";
  const std::pair<std::string, std::string> cases[] = {
      {"{}", "\"schemes\""},
      {R"({"schemes":[]})", "\"schemes\""},
      {"{" + schemes + R"(,"shemes":1})", "\"shemes\""},
      {"{" + schemes + "," + schemes + "}", "\"schemes\" is given twice"},
      {R"({"schemes":[{"type":"none","when":{"header:A":"1","header:A":"2"}}]})",
       "\"when.header:A\" is given twice"},
      {"{" + schemes + R"(,"challenges":[{"respond":{"headers":{"A":"1","A":"2"}}}]})",
       "\"challenges.respond.headers.A\" is given twice"},
      {"{" + schemes + R"(,"event_id":"moon:x"})", "\"event_id\""},
      {"{" + schemes + R"(,"refusal_status":200})", "\"refusal_status\""},
      {"{" + schemes + R"(,"challenges":[{"wen":{}}]})", "\"challenges.wen\""},
      {"{" + schemes + R"(,"challenges":[{"when":{"moon":"x"}}]})", "moon"},
      {"{" + schemes + R"(,"challenges":[{"respond":{"status":700}}]})", "status"},
      {"{" + schemes + R"(,"challenges":[{"respond":{"headers":{"a b":"c"}}}]})", "a b"},
      {"{" + schemes + R"(,"challenges":[{"visits":"json:u"}]})", "visits"},
      {"{" + schemes + R"(,"challenges":[{"computed":{"alg":"sha256"}}]})", "message"},
  };
  for (const auto& [json, named] : cases) {
    INFO(json);
    const absl::Status status = LoadPreset(json).status();
    CHECK(absl::IsInvalidArgument(status));
    CHECK(status.message().find(named) != std::string::npos);
  }
}

TEST_CASE("preset: the parameter that tells the provider's customers apart is required") {
  constexpr std::string_view kBy = "by config ";
  size_t count = 0;
  for (const PresetFile& file : PresetFiles()) {
    const Preset preset = FindPreset(file.name).value();
    if (!preset.tenant.starts_with(kBy)) continue;
    INFO(file.name);
    const std::string_view names = std::string_view(preset.tenant).substr(kBy.size());
    ++count;
    for (const std::string_view name :
         absl::StrSplit(names.substr(0, names.find(':')), absl::ByString(" and "))) {
      const auto parameters = ParametersOf(preset).value();
      CHECK(parameters.needed.contains(std::string(name)));
    }
    const absl::Status status = CompilePreset(file.name, std::vector<std::string>{"k"}).status();
    CHECK(absl::IsInvalidArgument(status));
  }
  CHECK(count == 5);
}

TEST_CASE("preset: each has guarantees, and those whose key is of all customers say so") {
  std::set<std::string_view> shared;
  for (const PresetFile& file : PresetFiles()) {
    INFO(file.name);
    const Preset preset = FindPreset(file.name).value();
    const Guarantees known = GuaranteesOf(preset, {}, /*has_idempotency_keys=*/true).value();
    if (!preset.tenant.empty()) shared.insert(file.name);
    const bool is_nothing_said = preset.tenant.starts_with("none");
    CHECK(is_nothing_said ==
          std::any_of(known.warnings.begin(), known.warnings.end(), [](const std::string& warning) {
            return warning.find("keep the link secret") != std::string::npos;
          }));
    // The parameter that tells customers apart is one that the preset knows.
    const size_t by = preset.tenant.find("by config ");
    CHECK((preset.tenant.empty() || is_nothing_said || by == 0));
  }
  CHECK(shared == std::set<std::string_view>{"aws_sns", "ebay", "fal", "google_pubsub", "kick",
                                             "paypal", "plaid", "shipstation", "travis", "wise"});
  const Guarantees kick = GuaranteesOf(FindPreset("kick").value(), {}, false).value();
  CHECK(kick.integrity == Integrity::kFull);
  CHECK(kick.replay_window == absl::Seconds(600));
  CHECK(kick.signs == std::vector<std::string>{"{header:Kick-Event-Message-Id}.{ts}.{body}"});
}

}  // namespace
}  // namespace convoy::verify
