// The content filter of a subscription, and the documents that it looks at.
//
//   body     the event's body as JSON
//   headers  an object of lower-case header names; the value is a string, or a list of strings if
//   the
//            header was given several times
//   query    the same for decoded query parameters, whose names keep their case
//   path     {"path": "/ingest/abc"}
//
// Header names in filters match without case.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "convoy/model.h"
#include "lib/body/body_view.h"
#include "lib/route/filter_program.h"

namespace convoy::route {

// Input of content filters.
struct EventContent {
  body::BodyView* view = nullptr;  // how the body is read; null: `body` is what it says
  std::string_view body;           // JSON text; anything else matches only empty filters
  const Headers* headers = nullptr;
  std::string_view query;  // raw query string
  std::string_view path;
  // Unless null: set to true if a filter could not be applied, because what it asks for of the body
  // cannot be read.
  bool* out_is_unreadable = nullptr;
};

// An event's documents, each made when a filter first asks for it and then shared by all filters.
class EventDocuments {
 public:
  explicit EventDocuments(const EventContent& content) : content_(content) {}

  // nullptr if there is no such document: the body is not JSON, or beyond the limits.
  FlatDocument* body();
  FlatDocument* headers();
  FlatDocument* query();
  FlatDocument* path();

  // To be called once a filter has said no to the body: was that because it could not be read?
  void NoteRefusal();

 private:
  // The outer optional: whether it has been tried.
  using Slot = std::optional<std::optional<FlatDocument>>;

  const EventContent& content_;
  std::string headers_text_;
  std::string query_text_;
  std::string path_text_;
  Slot body_;
  Slot headers_;
  Slot query_;
  Slot path_;
};

// Immutable and safe to share between threads.
class ContentProgram {
 public:
  // nullptr if the filter asks for nothing. kInvalidArgument names the part and what is wrong with
  // it.
  static absl::StatusOr<std::unique_ptr<const ContentProgram>> Compile(const ContentFilter& filter);

  bool Matches(EventDocuments& documents) const;

 private:
  ContentProgram(FilterProgram headers, FilterProgram body, FilterProgram query,
                 FilterProgram path);

  const FilterProgram headers_;
  const FilterProgram body_;
  const FilterProgram query_;
  const FilterProgram path_;
};

// The JSON texts of the documents above.
std::string HeadersAsJson(const Headers& headers);
std::string QueryAsJson(std::string_view query);
std::string PathAsJson(std::string_view path);

}  // namespace convoy::route
