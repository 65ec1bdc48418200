// Content filters: compiling a user's text, and matching untrusted documents.
//
// Input: the filter up to the end of its line, then the document. Promises that are checked: a
// filter says the same every time and within its budget; wrapped in $and or $or of one alternative,
// or of twice the same, it says the same.
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"

#include "convoy/filter.h"
#include "lib/json/raw.h"
#include "lib/route/content.h"
#include "lib/route/filter_program.h"
#include "tests/fuzz/finding.h"
#include "tests/fuzz/input.h"

namespace convoy::fuzz {
namespace {

using route::FilterProgram;
using route::FlatDocument;
using route::KeyCase;
using route::WorkBudget;

// nullopt: the budget was not enough.
std::optional<bool> Judge(const FilterProgram& program, FlatDocument& document) {
  WorkBudget budget(route::kFilterStepsMax);
  const bool is_match = program.Matches(document, budget);
  if (!budget.is_exhausted()) return is_match;
  Require(!is_match || program.is_empty(), "out of budget is no match");
  return std::nullopt;
}

void CheckWrapped(std::string_view filter, FlatDocument& document, bool expected) {
  for (const std::string& wrapped :
       {absl::StrCat("{\"$and\":[", filter, "]}"), absl::StrCat("{\"$or\":[", filter, "]}"),
        absl::StrCat("{\"$or\":[", filter, ",", filter, "]}")}) {
    const auto program = FilterProgram::Compile(wrapped, KeyCase::kSensitive);
    if (!program.ok()) continue;  // it was as deep or as large as may be
    const auto judged = Judge(*program, document);
    Require(!judged.has_value() || *judged == expected, "a group of one is that one");
  }
}

void CheckDocument(FlatDocument& document) {
  WorkBudget budget(route::kFilterStepsMax);
  const bool is_equal = route::AreEqual(document.root(), document, document.root(), budget);
  Require(is_equal || budget.is_exhausted(), "a document is equal to itself");
}

// The documents that are made of what is no JSON.
void CheckOtherDocuments(std::string_view text, std::string_view filter) {
  const Headers headers = {{"X-A", std::string(text)}, {"x-a", "2"}, {std::string(text), "3"}};
  for (const std::string& json :
       {route::HeadersAsJson(headers), route::QueryAsJson(text), route::PathAsJson(text)}) {
    Require(json::Validate(json, {}).ok(), "headers, query and path are shown as JSON");
  }
  const ContentFilter everywhere = {.headers = std::string(filter),
                                    .body = std::string(filter),
                                    .query = std::string(filter),
                                    .path = std::string(filter)};
  const auto program = route::ContentProgram::Compile(everywhere);
  if (!program.ok() || *program == nullptr) return;
  const route::EventContent content = {
      .body = text, .headers = &headers, .query = text, .path = text};
  route::EventDocuments documents(content);
  const bool is_match = (*program)->Matches(documents);
  Require(is_match == (*program)->Matches(documents), "a filter says the same every time");
}

void Run(Input& input) {
  const std::string_view filter = input.TextUntil('\n');
  const std::string_view text = input.Rest();
  auto document = FlatDocument::Parse(text, {});
  Require(document.has_value() == json::Validate(text, {}).ok(), "flat is what is valid");
  if (document.has_value()) CheckDocument(*document);
  CheckOtherDocuments(text, filter);
  const auto program = FilterProgram::Compile(filter, KeyCase::kSensitive);
  Require(CompileFilter(filter).ok() == program.ok(), "both faces compile the same");
  if (!program.ok()) {
    Require(!program.status().message().empty(), "an error says what is wrong");
    return;
  }
  if (!document.has_value()) return;
  const auto judged = Judge(*program, *document);
  Require((*CompileFilter(filter))->Matches(text) == judged.value_or(false),
          "both faces say the same");
  if (judged.has_value() && !filter.empty()) CheckWrapped(filter, *document, *judged);
}

}  // namespace
}  // namespace convoy::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  convoy::fuzz::Input input(data, size);
  convoy::fuzz::Run(input);
  return 0;
}
