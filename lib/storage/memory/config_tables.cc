// Tables of configuration with an undo log. Every change notes its own reversal; a refused batch is
// undone backwards. That costs what the batch changes, where trying it on a copy would cost what
// exists. Walks are plain.
#include "lib/storage/memory/config_tables.h"

#include <algorithm>

namespace convoy::storage {

absl::Status ConfigTables::Apply(const std::vector<ConfigWrite>& writes,
                                 std::vector<ConfigRef>& out_gone) {
  if (writes.empty()) return absl::OkStatus();
  const size_t undo_count = undo_.size();
  ConfigTraces traces = traces_;
  const absl::Status status = ApplyConfig(*this, writes);
  if (status.ok()) {
    out_gone.insert(out_gone.end(), gone_.begin(), gone_.end());
    if (!is_watched_) Settle();
  } else {
    UndoBeyond(undo_count);
    traces_ = std::move(traces);
  }
  gone_.clear();
  return status;
}

void ConfigTables::Settle() {
  for (size_t count = surplus_lines_count(); count > 0; --count) log_.pop_front();
  undo_.clear();
  traces_ = {};
}

void ConfigTables::Undo() {
  UndoBeyond(0);
  traces_ = {};
}

void ConfigTables::UndoBeyond(size_t count) {
  while (undo_.size() > count) {
    undo_.back()();
    undo_.pop_back();
  }
}

const ConfigRecord* ConfigTables::Peek(const ConfigRef& ref) const {
  const auto entry = records_.find(ref);
  return entry == records_.end() ? nullptr : &entry->second;
}

void ConfigTables::RestoreLine(uint64_t number, Line line) {
  log_.push_back(std::move(line));
  generation_ = number + 1;
}

bool ConfigTables::Has(ConfigKind kind, std::string_view id, std::string_view project_id) const {
  const auto entry = records_.find({kind, std::string(id)});
  return entry != records_.end() && entry->second.project_id == project_id;
}

absl::StatusOr<std::optional<ConfigRecord>> ConfigTables::Find(ConfigKind kind,
                                                               std::string_view id) {
  const auto entry = records_.find({kind, std::string(id)});
  return entry == records_.end() ? std::nullopt : std::optional(entry->second);
}

absl::StatusOr<std::vector<std::string>> ConfigTables::FindIds(ConfigKind kind, size_t field,
                                                               std::string_view value,
                                                               size_t ids_max) {
  std::vector<std::string> ids;
  auto entry = values_.lower_bound({kind, field, std::string(value), ""});
  for (; entry != values_.end() && ids.size() < ids_max; ++entry) {
    const auto& [its_kind, its_field, its_value, id] = *entry;
    if (its_kind != kind || its_field != field || its_value != value) break;
    ids.push_back(id);
  }
  return ids;
}

absl::StatusOr<std::vector<ConfigRecord>> ConfigTables::Walk(const ConfigWalk& walk) {
  const auto is_wanted = [&](const ConfigRecord& record) {
    if (walk.project_id.has_value() && record.project_id != *walk.project_id) return false;
    return !walk.field.has_value() || std::find(walk.values.begin(), walk.values.end(),
                                                record.fields[*walk.field]) != walk.values.end();
  };
  std::vector<ConfigRecord> records;
  const auto take = [&](auto entry, auto end) {
    for (; entry != end && entry->first.kind == walk.kind && records.size() < walk.records_max;
         ++entry) {
      if (!walk.is_inclusive && entry->first.id == walk.from_id) continue;
      if (is_wanted(entry->second)) records.push_back(entry->second);
    }
  };
  if (walk.is_ascending) {
    take(records_.lower_bound({walk.kind, walk.from_id}), records_.end());
  } else {
    const auto next_kind = static_cast<ConfigKind>(static_cast<int>(walk.kind) + 1);
    const auto from = walk.from_id.empty() ? records_.lower_bound({next_kind, ""})
                                           : records_.upper_bound({walk.kind, walk.from_id});
    take(std::make_reverse_iterator(from), records_.rend());
  }
  return records;
}

absl::Status ConfigTables::Put(const ConfigRecord& record, const ConfigRecord*) {
  Change({.kind = record.kind, .id = record.id}, record);
  return absl::OkStatus();
}

absl::Status ConfigTables::Remove(const ConfigRecord& record) {
  Change({.kind = record.kind, .id = record.id}, std::nullopt);
  return absl::OkStatus();
}

absl::Status ConfigTables::RemoveFlow(const ConfigRef& ref) {
  gone_.push_back(ref);
  return absl::OkStatus();
}

void ConfigTables::Change(const ConfigRef& ref, std::optional<ConfigRecord> next) {
  std::optional<ConfigRecord> previous;
  if (const auto entry = records_.find(ref); entry != records_.end()) previous = entry->second;
  Set(ref, next);
  if (is_watched_) traces_.refs.insert(ref);
  undo_.push_back([this, ref, previous = std::move(previous)] { Set(ref, previous); });
}

void ConfigTables::Set(const ConfigRef& ref, const std::optional<ConfigRecord>& next) {
  if (const auto entry = records_.find(ref); entry != records_.end()) {
    for (size_t i = 0; i < entry->second.fields.size(); ++i) {
      values_.erase({ref.kind, i, entry->second.fields[i], ref.id});
    }
    records_.erase(entry);
  }
  if (!next.has_value()) return;
  for (size_t i = 0; i < next->fields.size(); ++i) {
    values_.insert({ref.kind, i, next->fields[i], ref.id});
  }
  records_[ref] = *next;
}

absl::StatusOr<uint64_t> ConfigTables::Revision(std::string_view scope) {
  return PeekRevision(scope);
}

absl::Status ConfigTables::SetRevision(std::string_view scope, uint64_t revision) {
  if (is_watched_) traces_.scopes.insert(std::string(scope));
  uint64_t& stored = revisions_[std::string(scope)];
  undo_.push_back([&stored, previous = stored] { stored = previous; });
  stored = revision;
  return absl::OkStatus();
}

absl::Status ConfigTables::AddLines(std::string_view scope, std::span<const ConfigLogLine> lines) {
  for (const ConfigLogLine& line : lines) {
    log_.push_back({.scope = std::string(scope), .line = line});
    ++generation_;
    ++traces_.lines_count;
    undo_.push_back([this] {
      log_.pop_back();
      --generation_;
      --traces_.lines_count;
    });
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ConfigLogLine>> ConfigTables::ReadLines(std::string_view scope,
                                                                   uint64_t since,
                                                                   size_t lines_max) {
  std::vector<ConfigLogLine> lines;
  for (const auto& [its_scope, line] : log_) {
    if (lines.size() == lines_max) break;
    if (its_scope == scope && line.revision > since) lines.push_back(line);
  }
  return lines;
}

}  // namespace convoy::storage
