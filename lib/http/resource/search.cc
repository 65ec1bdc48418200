// Reading of searches. Names of sources are looked up here, because events do not have them.
#include "lib/http/resource/search.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "convoy/config_read.h"
#include "lib/base/status_macros.h"
#include "lib/http/request/pagination.h"
#include "lib/http/shape/fields.h"

namespace convoy::http {
namespace {

constexpr size_t kTextBytesMax = 256;
// Of sources that are looked for by their name.
constexpr uint32_t kSourcesMax = 1000;

}  // namespace

absl::StatusOr<SearchText> ReadSearch(const Context& context, absl::Time* created_from) {
  SearchText search{.text = ParameterOf(context.request->query, "query")};
  if (search.text.empty()) return search;
  CONVOY_RETURN_IF_ERROR(CheckText("query", search.text, kTextBytesMax));
  if (search.text.starts_with('{')) {
    return FieldError("query", "is not searched for in payloads by this version");
  }
  const Project& project = context.project->project();
  absl::Duration lookback;
  if (absl::ParseDuration(project.config.search_policy, &lookback)) {
    *created_from = std::max(*created_from, context.parts->clock->Now() - lookback);
  }
  if (context.portal != nullptr) return search;  // sources are no business of a portal's
  CONVOY_ASSIGN_OR_RETURN(
      const Page<Source> sources,
      ListConfig<Source>(*context.parts->storage,
                         {.project_id = project.id, .name_contains = search.text},
                         {.items_max = kSourcesMax}));
  for (const Source& source : sources.items) search.source_ids.push_back(source.id);
  return search;
}

}  // namespace convoy::http
