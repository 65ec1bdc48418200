// Typed reads of configuration: Storage returns records, these functions return objects.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "convoy/config.h"
#include "convoy/storage.h"

namespace convoy {

// kNotFound when the id is unknown or belongs to another project.
template <ConfigObject T>
absl::StatusOr<T> GetConfig(Storage& storage, std::string_view project_id, std::string_view id) {
  const absl::StatusOr<ConfigRecord> record =
      storage.GetConfig(ConfigKindOf<T>::value, project_id, id);
  if (!record.ok()) return record.status();
  return DecodeConfig<T>(*record);
}

// By the value of a unique field, e.g. FindConfig<Source>(storage, "mask_id", mask).
template <ConfigObject T>
absl::StatusOr<T> FindConfig(Storage& storage, std::string_view field, std::string_view value) {
  const absl::StatusOr<ConfigRecord> record =
      storage.FindConfig(ConfigKindOf<T>::value, field, value);
  if (!record.ok()) return record.status();
  return DecodeConfig<T>(*record);
}

// One page; the query's kind is that of T.
template <ConfigObject T>
absl::StatusOr<Page<T>> ListConfig(Storage& storage, ConfigQuery query, const PageRequest& page) {
  query.kind = ConfigKindOf<T>::value;
  absl::StatusOr<Page<ConfigRecord>> records = storage.ListConfig(query, page);
  if (!records.ok()) return records.status();
  Page<T> objects{.next_cursor = std::move(records->next_cursor),
                  .prev_cursor = std::move(records->prev_cursor),
                  .has_next = records->has_next,
                  .has_prev = records->has_prev};
  objects.items.reserve(records->items.size());
  for (const ConfigRecord& record : records->items) {
    absl::StatusOr<T> object = DecodeConfig<T>(record);
    if (!object.ok()) return object.status();
    objects.items.push_back(*std::move(object));
  }
  return objects;
}

// All pages, in the order of the ids. Objects that are made or removed meanwhile may be missing.
template <ConfigObject T>
absl::StatusOr<std::vector<T>> ListAllConfig(Storage& storage, const ConfigQuery& query) {
  PageRequest request{.is_ascending = true, .items_max = 1000};
  std::vector<T> all;
  while (true) {
    absl::StatusOr<Page<T>> page = ListConfig<T>(storage, query, request);
    if (!page.ok()) return page.status();
    all.insert(all.end(), std::make_move_iterator(page->items.begin()),
               std::make_move_iterator(page->items.end()));
    if (!page->has_next) return all;
    request.cursor = std::move(page->next_cursor);
  }
}

// Enabled sources of message brokers, of all projects.
inline ConfigQuery SourcesToRead() {
  return {.conditions = {{.field = "reader", .values = {"enabled"}}}};
}

// Everything that routing in one project needs, as it was at one instant, that of `revision`.
struct ProjectConfiguration {
  uint64_t revision = 0;  // of the project's scope
  Project project;
  std::vector<Endpoint> endpoints;  // this and the next: in the order of their ids
  std::vector<Subscription> subscriptions;
};
// kNotFound without the project; kUnavailable if it changes faster than it can be read.
absl::StatusOr<ProjectConfiguration> LoadProject(Storage& storage, std::string_view project_id);

}  // namespace convoy
