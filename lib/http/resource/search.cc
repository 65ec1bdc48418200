// Reading of searches. Names of sources are looked up here, because events do not have them.
#include "lib/http/resource/search.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"

#include "convoy/config_read.h"
#include "lib/base/status_macros.h"
#include "lib/http/request/pagination.h"
#include "lib/http/shape/fields.h"

namespace convoy::http {
namespace {

constexpr size_t kTextBytesMax = 256;
// Of sources that are looked for by their name.
constexpr uint32_t kSourcesMax = 1000;

// Cuts an object at the end of the text off: "paid {\"total\": 3}". A piece that only looks like
// one is text, unless there is nothing before it.
absl::Status TakePayload(std::string& text, PayloadSearch* payload) {
  const size_t begin = text.find('{');
  if (begin == text.npos || (begin > 0 && !text.ends_with('}'))) return absl::OkStatus();
  if (payload == nullptr) {
    return begin == 0 ? FieldError("query", "is searched for in the payloads of events only")
                      : absl::OkStatus();
  }
  CONVOY_RETURN_IF_ERROR(payload->Add("query", std::string_view(text).substr(begin)));
  text.resize(begin);
  absl::StripTrailingAsciiWhitespace(&text);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SearchText> ReadSearch(const Context& context, absl::Time* created_from,
                                      PayloadSearch* payload) {
  const std::string_view query = context.request->query;
  SearchText search{.text = ParameterOf(query, "query")};
  CONVOY_RETURN_IF_ERROR(TakePayload(search.text, payload));
  if (const std::string body = ParameterOf(query, "body"); payload != nullptr && !body.empty()) {
    CONVOY_RETURN_IF_ERROR(payload->Add("body", body));
  }
  if (search.text.empty() && (payload == nullptr || payload->is_empty())) return search;
  CONVOY_RETURN_IF_ERROR(CheckText("query", search.text, kTextBytesMax));
  const Project& project = context.project->project();
  absl::Duration lookback;
  if (absl::ParseDuration(project.config.search_policy, &lookback)) {
    *created_from = std::max(*created_from, context.parts->clock->Now() - lookback);
  }
  // Sources are no business of a portal's.
  if (search.text.empty() || context.portal != nullptr) return search;
  CONVOY_ASSIGN_OR_RETURN(
      const Page<Source> sources,
      ListConfig<Source>(*context.parts->storage,
                         {.project_id = project.id, .name_contains = search.text},
                         {.items_max = kSourcesMax}));
  for (const Source& source : sources.items) search.source_ids.push_back(source.id);
  return search;
}

}  // namespace convoy::http
