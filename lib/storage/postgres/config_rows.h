// Configuration as rows, for the rules that all stores share (convoy/config_table.h): one table for
// all kinds, one for the fields that are looked up, one for the log of changes.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "convoy/config_table.h"
#include "lib/storage/postgres/connection.h"

namespace convoy::storage::postgres {

class ConfigRows final : public ConfigTable {
 public:
  explicit ConfigRows(Connection& connection) : connection_(connection) {}

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

  // The number of the latest line of the log: one look at the end of an index.
  absl::StatusOr<uint64_t> Generation();
  // In a write transaction: whether the object is there, and of the project. It stays until the
  // transaction ends.
  absl::StatusOr<bool> Holds(ConfigKind kind, std::string_view id, std::string_view project_id);

 private:
  absl::StatusOr<std::vector<ConfigRecord>> WalkField(const ConfigWalk& walk);

  Connection& connection_;
};

}  // namespace convoy::storage::postgres
