// Rules of configuration, for authors of a Storage, because they are the same in every store.
//
// A store implements the primitive operations of ConfigTable within one of its transactions. The
// functions below do the rest: revisions, uniqueness, removal of dependent objects, the feed of
// changes, pages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "convoy/config.h"
#include "convoy/storage.h"

namespace convoy {

// A way through the records of one kind in the order of their ids: those of one project, or all;
// only those whose `field` (of use kProject with a project, of use kGlobal without one) has one of
// `values`. A store needs an index for each of these ways.
struct ConfigWalk {
  ConfigKind kind = ConfigKind::kProject;
  std::optional<std::string> project_id;
  std::optional<size_t> field;
  std::vector<std::string> values;
  std::string from_id;  // the first id; empty: begin at the first record of the direction
  bool is_inclusive = true;
  bool is_ascending = true;
  size_t records_max = 0;
};

// One line of the log of changes. A revision has at least one line.
struct ConfigLogLine {
  enum class What : uint8_t {
    kObject = 0,      // `ref` was put or removed
    kNothing = 1,     // the revision was raised without a change
    kEverything = 2,  // too many changes for the log: read the whole scope
  };
  uint64_t revision = 0;
  What what = What::kNothing;
  ConfigRef ref;

  friend bool operator==(const ConfigLogLine&, const ConfigLogLine&) = default;
};

// The log may be cut to its latest lines, of all scopes together.
inline constexpr size_t kConfigLogLinesKept = size_t{16} * 1024;

// Used within one transaction, by one thread at a time. Its errors are errors of the store.
class ConfigTable {
 public:
  virtual ~ConfigTable() = default;

  virtual absl::StatusOr<std::optional<ConfigRecord>> Find(ConfigKind kind,
                                                           std::string_view id) = 0;
  // Ids of records of any project whose `field`, of use kUnique or with a parent, has the value.
  virtual absl::StatusOr<std::vector<std::string>> FindIds(ConfigKind kind, size_t field,
                                                           std::string_view value,
                                                           size_t ids_max) = 0;
  virtual absl::StatusOr<std::vector<ConfigRecord>> Walk(const ConfigWalk& walk) = 0;

  // `previous` is what Find gives for the id, or null.
  virtual absl::Status Put(const ConfigRecord& record, const ConfigRecord* previous) = 0;
  virtual absl::Status Remove(const ConfigRecord& record) = 0;
  // Removes the events, deliveries and held inputs of an object of a kind with `has_flow`.
  virtual absl::Status RemoveFlow(const ConfigRef& ref) = 0;

  virtual absl::StatusOr<uint64_t> Revision(std::string_view scope) = 0;
  virtual absl::Status SetRevision(std::string_view scope, uint64_t revision) = 0;

  virtual absl::Status AddLines(std::string_view scope, std::span<const ConfigLogLine> lines) = 0;
  // Those of revisions above `since`, oldest first.
  virtual absl::StatusOr<std::vector<ConfigLogLine>> ReadLines(std::string_view scope,
                                                               uint64_t since,
                                                               size_t lines_max) = 0;
};

// The part of Storage::Commit: applies `writes` in order. If it fails, the transaction must be
// undone up to where it began; kAborted, kAlreadyExists and kInvalidArgument are refusals of the
// batch, everything else is an error of the store.
absl::Status ApplyConfig(ConfigTable& table, std::span<const ConfigWrite> writes);

// The reads of Storage with these names. ReadConfigChanges and ListConfig read the table several
// times; the reads must be as of one instant.
absl::StatusOr<ConfigRecord> GetConfig(ConfigTable& table, ConfigKind kind,
                                       std::string_view project_id, std::string_view id);
absl::StatusOr<ConfigRecord> FindConfig(ConfigTable& table, ConfigKind kind, std::string_view field,
                                        std::string_view value);
absl::StatusOr<Page<ConfigRecord>> ListConfig(ConfigTable& table, const ConfigQuery& query,
                                              const PageRequest& page);
absl::StatusOr<ConfigChanges> ReadConfigChanges(ConfigTable& table, std::string_view scope,
                                                uint64_t since);

}  // namespace convoy
