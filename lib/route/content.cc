// Content filters: four programs over four documents. A document that no filter asks for is never
// made.

#include "lib/route/content.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "lib/base/encoding.h"
#include "lib/base/status_macros.h"
#include "lib/json/writer.h"

namespace convoy::route {
namespace {

using ValuesByName = std::map<std::string, std::vector<std::string>>;

std::string WriteObject(const ValuesByName& values_by_name) {
  json::Writer writer;
  writer.BeginObject();
  for (const auto& [name, values] : values_by_name) {
    writer.Key(name);
    if (values.size() == 1) {
      writer.String(values.front());
      continue;
    }
    writer.BeginArray();
    for (const std::string& value : values) writer.String(value);
    writer.EndArray();
  }
  writer.EndObject();
  return writer.TakeText();
}

// A malformed escape is taken literally: a filter can still look at the rest.
std::string DecodeOrKeep(std::string_view text) {
  return base::PercentDecode(text, /*plus_is_space=*/true).value_or(std::string(text));
}

}  // namespace

std::string HeadersAsJson(const Headers& headers) {
  ValuesByName values;
  for (const Header& header : headers) {
    values[absl::AsciiStrToLower(header.name)].push_back(header.value);
  }
  return WriteObject(values);
}

std::string QueryAsJson(std::string_view query) {
  ValuesByName values;
  for (const std::string_view parameter : absl::StrSplit(query, '&', absl::SkipEmpty())) {
    const std::pair<std::string_view, std::string_view> pair =
        absl::StrSplit(parameter, absl::MaxSplits('=', 1));
    values[DecodeOrKeep(pair.first)].push_back(DecodeOrKeep(pair.second));
  }
  return WriteObject(values);
}

std::string PathAsJson(std::string_view path) {
  json::Writer writer;
  writer.BeginObject().Field("path", path).EndObject();
  return writer.TakeText();
}

FlatDocument* EventDocuments::body() {
  if (!body_.has_value()) {
    body_.emplace(
        FlatDocument::Borrow(content_.view == nullptr ? content_.body : content_.view->json()));
  }
  return body_->has_value() ? &**body_ : nullptr;
}

FlatDocument* EventDocuments::headers() {
  if (!headers_.has_value()) {
    static const Headers kNone;
    headers_text_ = HeadersAsJson(content_.headers == nullptr ? kNone : *content_.headers);
    headers_.emplace(FlatDocument::Borrow(headers_text_));
  }
  return headers_->has_value() ? &**headers_ : nullptr;
}

FlatDocument* EventDocuments::query() {
  if (!query_.has_value()) {
    query_text_ = QueryAsJson(content_.query);
    query_.emplace(FlatDocument::Borrow(query_text_));
  }
  return query_->has_value() ? &**query_ : nullptr;
}

FlatDocument* EventDocuments::path() {
  if (!path_.has_value()) {
    path_text_ = PathAsJson(content_.path);
    path_.emplace(FlatDocument::Borrow(path_text_));
  }
  return path_->has_value() ? &**path_ : nullptr;
}

void EventDocuments::NoteRefusal() {
  const bool is_unreadable =
      body_.has_value() && (!body_->has_value() || (*body_)->is_unreadable());
  if (!is_unreadable) return;
  if (content_.view != nullptr) content_.view->MarkNotJson();
  if (content_.out_is_unreadable != nullptr) *content_.out_is_unreadable = true;
}

ContentProgram::ContentProgram(FilterProgram headers, FilterProgram body, FilterProgram query,
                               FilterProgram path)
    : headers_(std::move(headers)),
      body_(std::move(body)),
      query_(std::move(query)),
      path_(std::move(path)) {}

absl::StatusOr<std::unique_ptr<const ContentProgram>> ContentProgram::Compile(
    const ContentFilter& filter) {
  const auto compile = [](std::string_view part, std::string_view text, KeyCase key_case) {
    absl::StatusOr<FilterProgram> program = FilterProgram::Compile(text, key_case);
    if (program.ok()) return program;
    return absl::StatusOr<FilterProgram>(
        absl::InvalidArgumentError(absl::StrCat(part, " ", program.status().message())));
  };
  CONVOY_ASSIGN_OR_RETURN(FilterProgram headers,
                          compile("headers", filter.headers, KeyCase::kLower));
  CONVOY_ASSIGN_OR_RETURN(FilterProgram body, compile("body", filter.body, KeyCase::kSensitive));
  CONVOY_ASSIGN_OR_RETURN(FilterProgram query, compile("query", filter.query, KeyCase::kSensitive));
  CONVOY_ASSIGN_OR_RETURN(FilterProgram path, compile("path", filter.path, KeyCase::kSensitive));
  if (headers.is_empty() && body.is_empty() && query.is_empty() && path.is_empty()) {
    return std::unique_ptr<const ContentProgram>();
  }
  return std::unique_ptr<const ContentProgram>(
      new ContentProgram(std::move(headers), std::move(body), std::move(query), std::move(path)));
}

bool ContentProgram::Matches(EventDocuments& documents) const {
  WorkBudget budget(kFilterStepsMax);
  const auto holds = [&budget](const FilterProgram& program, const auto& document) {
    if (program.is_empty()) return true;
    FlatDocument* const parsed = document();
    return parsed != nullptr && program.Matches(*parsed, budget);
  };
  const bool is_otherwise_wanted = holds(headers_, [&] { return documents.headers(); }) &&
                                   holds(query_, [&] { return documents.query(); }) &&
                                   holds(path_, [&] { return documents.path(); });
  if (!is_otherwise_wanted) return false;
  if (holds(body_, [&] { return documents.body(); })) return true;
  documents.NoteRefusal();
  return false;
}

}  // namespace convoy::route
