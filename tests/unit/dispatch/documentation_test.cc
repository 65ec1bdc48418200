// The table of outcomes in docs/delivery.md is the one that decides.
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "lib/dispatch/outcome.h"

namespace convoy::dispatch {
namespace {

std::string_view NameOf(Resend resend) {
  switch (resend) {
    case Resend::kNever:
      return "never";
    case Resend::kAtLeastOnce:
      return "at_least_once";
    case Resend::kUnlessSent:
      return "unless sent";
    case Resend::kAlways:
      break;
  }
  return "always";
}

TEST_CASE("documentation: every rule of the outcome table stands in it, in order") {
  std::ifstream file(CONVOY_TEST_DIR "/../docs/delivery.md");
  std::stringstream text;
  text << file.rdbuf();
  const std::string page = text.str();
  size_t at = page.find("| what was learnt |");
  REQUIRE(at != page.npos);
  at = page.find('\n', page.find('\n', at) + 1) + 1;
  for (const OutcomeRule& rule : OutcomeTable()) {
    const std::string line = page.substr(at, page.find('\n', at) - at);
    INFO(line);
    const std::string end =
        absl::StrCat(" | `", OutcomeName(rule.outcome), "` | ",
                     rule.counts_against_endpoint ? "yes" : "no", " | ", NameOf(rule.resend), " |");
    CHECK(line.starts_with(absl::StrCat("| ", LearntName(rule.learnt), " | ")));
    CHECK(line.ends_with(end));
    CHECK((line.find("| any way |") != line.npos) == !rule.end.has_value());
    at += line.size() + 1;
  }
  CHECK(page.substr(at, 1) == "\n");  // and no other
}

}  // namespace
}  // namespace convoy::dispatch
