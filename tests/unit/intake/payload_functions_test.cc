#include "lib/intake/payload_functions.h"

#include "catch2/catch.hpp"

namespace convoy::intake {
namespace {

const GatewayOptions kOptions;
const Source kSource = {.id = "S", .body_function = "b", .header_function = "h"};

ScriptResult Done(std::string payload) {
  return {.outcome = ScriptOutcome::kDone, .payload = std::move(payload)};
}

TEST_CASE("payload_functions: a function is asked for, and its result is used") {
  FunctionRuns runs;
  const auto change = [&] {
    return SourceFunctions(kOptions, kSource, absl::FromUnixSeconds(9), &runs)
        .ChangeBody(R"({"a":1})");
  };
  CHECK(absl::IsUnavailable(change().status()));
  REQUIRE(runs.wanted() != nullptr);
  CHECK(runs.wanted()->owner == "S");
  CHECK(runs.wanted()->function == "b");
  CHECK(runs.wanted()->payload == R"({"a":1})");
  CHECK(runs.wanted()->now == absl::FromUnixSeconds(9));
  CHECK(runs.wanted()->output_bytes_max == kOptions.body_bytes_max);
  runs.Add(Done("[2]"));
  CHECK(runs.wanted() == nullptr);
  CHECK(*change() == "[2]");
}

TEST_CASE("payload_functions: headers are an object of texts, there and back") {
  FunctionRuns runs;
  Headers headers = {{"X-A", "1"}, {"x-b", "é"}, {"x-a", "2"}};
  SourceFunctions functions(kOptions, kSource, absl::Time(), &runs);
  CHECK(absl::IsUnavailable(functions.ChangeHeaders(headers)));
  CHECK(runs.wanted()->payload == R"({"X-A":"1, 2","x-b":"é"})");
  runs.Add(Done(R"({"X-C":"text","X-D":7,"X-E":true})"));
  REQUIRE(functions.ChangeHeaders(headers).ok());
  CHECK(headers == Headers{{"X-C", "text"}, {"X-D", "7"}, {"X-E", "true"}});
}

TEST_CASE("payload_functions: headers that cannot be sent are refused by name") {
  for (const auto& [result, why] :
       std::vector<std::pair<std::string, std::string>>{{"[]", "must return an object"},
                                                        {R"({"X-A":[1]})", "X-A"},
                                                        {R"({"a b":"1"})", "a b"},
                                                        {R"({"X-A":"1\n2"})", "X-A"},
                                                        {R"({"Host":"evil"})", "Host"}}) {
    INFO(result);
    FunctionRuns runs;
    Headers headers = {{"X-A", "1"}};
    SourceFunctions functions(kOptions, kSource, absl::Time(), &runs);
    functions.ChangeHeaders(headers).IgnoreError();
    runs.Add(Done(result));
    const absl::Status status = functions.ChangeHeaders(headers);
    CHECK(status.message().starts_with("header_function: "));
    CHECK(status.message().find(why) != std::string::npos);
    CHECK(headers == Headers{{"X-A", "1"}});
  }
}

TEST_CASE("payload_functions: failures name the field") {
  FunctionRuns runs;
  SourceFunctions functions(kOptions, kSource, absl::Time(), &runs);
  functions.ChangeBody("1").IgnoreError();
  runs.Add({.outcome = ScriptOutcome::kThrew, .error = "Error: no"});
  CHECK(functions.ChangeBody("1").status() ==
        absl::FailedPreconditionError("body_function: Error: no"));
  // Without scripting nothing passes unchanged.
  CHECK(SourceFunctions(kOptions, kSource, absl::Time(), nullptr).ChangeBody("1").status() ==
        absl::FailedPreconditionError("body_function: payload functions are not built in"));
  body::BodyView binary("application/octet-stream", "\xFF\x00 no");
  CHECK_FALSE(SourceFunctions(kOptions, kSource, absl::Time(), &runs).ChangeBody(binary).ok());
  const Source none;
  CHECK_FALSE(SourceFunctions(kOptions, none, absl::Time(), nullptr).ChangeBody("1")->has_value());
}

}  // namespace
}  // namespace convoy::intake
