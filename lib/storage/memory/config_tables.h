// The configuration of the store in memory: records by kind and id, the values that are looked up,
// the log of changes; and batches of changes that happen whole or not at all.
#pragma once

#include <algorithm>
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

// Changes in the tables, for a store that keeps them elsewhere, too. Some objects that are named
// may be as they were.
struct ConfigTraces {
  std::set<ConfigRef> refs;
  std::set<std::string> scopes;  // whose revision was raised
  uint64_t lines_count = 0;      // the latest lines of the log
};

// Not safe for several threads at once.
class ConfigTables final : public ConfigTable {
 public:
  struct Line {
    std::string scope;
    ConfigLogLine line;
  };

  // Applies `writes` in order. On a refusal everything is as it was before. Adds to `out_gone` the
  // objects whose flow is to be removed.
  absl::Status Apply(const std::vector<ConfigWrite>& writes, std::vector<ConfigRef>& out_gone);

  // Between Watch and the next Settle or Undo, what was applied can be undone.
  void Watch() { is_watched_ = true; }
  const ConfigTraces& traces() const { return traces_; }
  void Settle();
  void Undo();
  // Lines that Settle drops from the log, the oldest ones.
  size_t surplus_lines_count() const {
    return log_.size() - std::min(log_.size(), kConfigLogLinesKept);
  }
  // The log, whose first line has the number first_line().
  const std::deque<Line>& log() const { return log_; }
  uint64_t first_line() const { return generation_ - log_.size(); }
  // The record, or null.
  const ConfigRecord* Peek(const ConfigRef& ref) const;
  uint64_t PeekRevision(std::string_view scope) const {
    const auto entry = revisions_.find(scope);
    return entry == revisions_.end() ? 0 : entry->second;
  }
  // Sets what was kept: lines in their order, with the number of each.
  void Restore(const ConfigRecord& record) { Set({record.kind, record.id}, record); }
  void RestoreRevision(const std::string& scope, uint64_t revision) {
    revisions_[scope] = revision;
  }
  void RestoreLine(uint64_t number, Line line);

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
  // Undoes what `undo_` holds beyond its first `count`.
  void UndoBeyond(size_t count);

  std::map<ConfigRef, ConfigRecord> records_;
  // (kind, position of the field, value, id): what FindIds looks at.
  std::set<std::tuple<ConfigKind, size_t, std::string, std::string>> values_;
  ById<uint64_t> revisions_;
  std::deque<Line> log_;  // oldest first
  uint64_t generation_ = 0;
  bool is_watched_ = false;
  ConfigTraces traces_;
  std::vector<std::function<void()>> undo_;  // of what is not settled
  std::vector<ConfigRef> gone_;              // with the batch that is being applied
};

}  // namespace convoy::storage
