// docs/verification.md is true where a program can tell.
#include <fstream>
#include <sstream>
#include <string>

#include <catch2/catch.hpp>

#include "convoy/verifier.h"

namespace convoy {
namespace {

std::string ReadPage() {
  std::ifstream file(CONVOY_TEST_DIR "/../docs/verification.md");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST_CASE("documentation: the schemes that stand in it compile") {
  const std::string page = ReadPage();
  constexpr std::string_view kBegin = "```json\n";
  size_t count = 0;
  for (size_t begin = page.find(kBegin); begin != page.npos; begin = page.find(kBegin, begin + 1)) {
    const size_t from = begin + kBegin.size();
    const std::string json = page.substr(from, page.find("```", from) - from);
    INFO(json);
    CHECK(CompileScheme(json, {"secret"}).status().ToString() == "OK");
    ++count;
  }
  CHECK(count > 0);
}

TEST_CASE("documentation: it names every reason of a verdict") {
  const std::string page = ReadPage();
  for (int i = 1; i <= static_cast<int>(VerifyReason::kKeyUnavailable); ++i) {
    const std::string name(VerifyReasonName(static_cast<VerifyReason>(i)));
    INFO(name);
    CHECK(page.find("`" + name + "`") != page.npos);
  }
}

}  // namespace
}  // namespace convoy
