// The configuration of the store in memory: records by kind and id, the values that are looked up,
// the log of changes; and batches of changes that happen whole or not at all.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "convoy/config_table.h"

namespace convoy::storage {

template <typename T>
using ById = std::map<std::string, T, std::less<>>;

// Not safe for several threads at once.
class ConfigTables final : public ConfigTable {
 public:
  // Applies `writes` in order. On a refusal everything is as it was before. Adds to `out_gone` the
  // objects whose flow is to be removed.
  absl::Status Apply(const std::vector<ConfigWrite>& writes, std::vector<ConfigRef>& out_gone);

  // Rises with each line of the log.
  uint64_t generation() const { return generation_; }
  // Whether the object is there, and of the project.
  bool Has(ConfigKind kind, std::string_view id, std::string_view project_id) const;

  absl::StatusOr<std::optional<ConfigRecord>> Find(ConfigKind kind, std::string_view id) override;
  absl::StatusOr<std::vector<std::string>> FindIds(ConfigKind kind, size_t field,
                                                   std::string_view value, size_t ids_max) override;
  absl::StatusOr<std::vector<ConfigRecord>> Walk(const ConfigWalk& walk) override;
  absl::Status Put(const ConfigRecord& record, const ConfigRecord* previous) override;
  absl::Status Remove(const ConfigRecord& record) override;
  absl::Status RemoveFlow(const ConfigRef& ref) override;
  absl::StatusOr<uint64_t> Revision(std::string_view scope) override;
  absl::Status SetRevision(std::string_view scope, uint64_t revision) override;
  absl::Status AddLines(std::string_view scope, std::span<const ConfigLogLine> lines) override;
  absl::StatusOr<std::vector<ConfigLogLine>> ReadLines(std::string_view scope, uint64_t since,
                                                       size_t lines_max) override;

 private:
  // Makes `next` the record of this reference, or removes it, and remembers how to undo that.
  void Change(const ConfigRef& ref, std::optional<ConfigRecord> next);
  void Set(const ConfigRef& ref, const std::optional<ConfigRecord>& next);

  std::map<ConfigRef, ConfigRecord> records_;
  // (kind, position of the field, value, id): what FindIds looks at.
  std::set<std::tuple<ConfigKind, size_t, std::string, std::string>> values_;
  ById<uint64_t> revisions_;
  std::deque<std::pair<std::string, ConfigLogLine>> log_;  // with its scope; oldest first
  uint64_t generation_ = 0;
  std::vector<std::function<void()>> undo_;  // of the batch that is being applied
  std::vector<ConfigRef> gone_;              // the same
};

}  // namespace convoy::storage
