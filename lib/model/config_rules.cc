// The rules of configuration changes, the same for all stores. A write is applied against its
// scope's revision; unique fields are looked up before each put; objects that are declared to be
// removed with another one are looked up at its removal. Changes are noted by scope, and become the
// log that the feed is read from.
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

#include "convoy/config_table.h"
#include "lib/base/status_macros.h"

namespace convoy {
namespace {

// Objects that are removed with another one go in pieces of this many: memory is bounded.
constexpr size_t kPiece = 256;
// A revision that touched more objects than this is "everything" to the feed, and so is a feed of
// more lines than kLinesMax: reading everything anew costs about the same then.
constexpr size_t kTouchedMax = 1024;
constexpr size_t kLinesMax = 4096;

absl::Status CheckRecord(const ConfigRecord& record) {
  const ConfigKindInfo* const info = FindConfigKind(record.kind);
  if (info == nullptr || record.fields.size() != info->fields.size()) {
    return absl::InvalidArgumentError("the record is of no declared kind");
  }
  return absl::OkStatus();
}

// Applies one write and notes what it touches.
class Change {
 public:
  Change(ConfigTable& table, const ConfigWrite& write) : table_(table), write_(write) {}

  absl::Status Run() {
    CONVOY_ASSIGN_OR_RETURN(const uint64_t revision, table_.Revision(write_.scope));
    if (!write_.is_unconditional && revision != write_.expected_revision) {
      return absl::AbortedError("the configuration has changed meanwhile");
    }
    touched_[write_.scope];  // raised in any case
    for (const ConfigRecord& record : write_.puts) CONVOY_RETURN_IF_ERROR(Put(record));
    for (const ConfigRef& ref : write_.removes) CONVOY_RETURN_IF_ERROR(Remove(ref));
    for (const auto& [scope, touched] : touched_) {
      // Everything that was read of the scope stays true when something new is added.
      if (write_.is_unconditional && !touched.has_feed && !touched.has_changed) continue;
      CONVOY_RETURN_IF_ERROR(Raise(scope, touched));
    }
    return absl::OkStatus();
  }

 private:
  struct Touched {
    bool is_everything = false;
    bool has_feed = true;
    bool has_changed = false;  // something that was there before
    std::set<ConfigRef> refs;
  };

  absl::Status Put(const ConfigRecord& record) {
    CONVOY_RETURN_IF_ERROR(CheckRecord(record));
    const ConfigKindInfo& info = *FindConfigKind(record.kind);
    for (size_t i = 0; i < info.fields.size(); ++i) {
      if (info.fields[i].use != ConfigFieldUse::kUnique) continue;
      CONVOY_ASSIGN_OR_RETURN(const std::vector<std::string> owners,
                              table_.FindIds(record.kind, i, record.fields[i], 1));
      if (!owners.empty() && owners.front() != record.id) {
        return absl::AlreadyExistsError(info.taken);
      }
    }
    CONVOY_ASSIGN_OR_RETURN(const std::optional<ConfigRecord> previous,
                            table_.Find(record.kind, record.id));
    CONVOY_RETURN_IF_ERROR(table_.Put(record, previous.has_value() ? &*previous : nullptr));
    if (previous.has_value()) TouchChanged(*previous);
    Touch(record);
    return absl::OkStatus();
  }

  absl::Status Remove(const ConfigRef& ref) {
    const ConfigKindInfo* const info = FindConfigKind(ref.kind);
    if (info == nullptr) return absl::InvalidArgumentError("no such kind of configuration object");
    if (ref.kind == ConfigKind::kProject) CONVOY_RETURN_IF_ERROR(RemoveParts(ref.id));
    for (const ConfigKindInfo& other : ConfigKinds()) {
      for (size_t i = 0; i < other.fields.size(); ++i) {
        if (other.fields[i].parent != ref.kind || ref.id.empty()) continue;
        CONVOY_RETURN_IF_ERROR(RemoveChildren(other.kind, i, ref.id));
      }
    }
    CONVOY_RETURN_IF_ERROR(RemoveRecord(ref));
    return info->has_flow ? table_.RemoveFlow(ref) : absl::OkStatus();
  }

  absl::Status RemoveChildren(ConfigKind kind, size_t field, const std::string& id) {
    while (true) {
      CONVOY_ASSIGN_OR_RETURN(const std::vector<std::string> children,
                              table_.FindIds(kind, field, id, kPiece));
      for (const std::string& child : children) {
        CONVOY_RETURN_IF_ERROR(Remove({.kind = kind, .id = child}));
      }
      if (children.size() < kPiece) return absl::OkStatus();
    }
  }

  // Everything that a project has. Snapshots of it are outdated, whatever they hold.
  absl::Status RemoveParts(const std::string& project_id) {
    if (project_id.empty()) return absl::OkStatus();
    touched_[project_id].is_everything = true;
    for (const ConfigKindInfo& info : ConfigKinds()) {
      if (info.kind == ConfigKind::kProject) continue;
      for (bool has_more = true; has_more;) {
        CONVOY_ASSIGN_OR_RETURN(
            const std::vector<ConfigRecord> parts,
            table_.Walk({.kind = info.kind, .project_id = project_id, .records_max = kPiece}));
        for (const ConfigRecord& part : parts) {
          CONVOY_RETURN_IF_ERROR(table_.Remove(part));
          Touch(part);
        }
        has_more = parts.size() == kPiece;
      }
    }
    return absl::OkStatus();
  }

  absl::Status RemoveRecord(const ConfigRef& ref) {
    CONVOY_ASSIGN_OR_RETURN(const std::optional<ConfigRecord> record,
                            table_.Find(ref.kind, ref.id));
    if (!record.has_value()) return absl::OkStatus();
    TouchChanged(*record);
    return table_.Remove(*record);
  }

  void TouchChanged(const ConfigRecord& record) {
    Touch(record);
    touched_[std::string(ConfigScopeOf(record))].has_changed = true;
  }

  void Touch(const ConfigRecord& record) {
    Touched& touched = touched_[std::string(ConfigScopeOf(record))];
    const ConfigHome home = FindConfigKind(record.kind)->home;
    touched.has_feed = home == ConfigHome::kInstance || home == ConfigHome::kProject;
    if (touched.is_everything) return;
    touched.refs.insert({.kind = record.kind, .id = record.id});
    touched.is_everything = touched.refs.size() > kTouchedMax;
  }

  absl::Status Raise(const std::string& scope, const Touched& touched) {
    CONVOY_ASSIGN_OR_RETURN(uint64_t revision, table_.Revision(scope));
    CONVOY_RETURN_IF_ERROR(table_.SetRevision(scope, ++revision));
    // Its lines would make every opener look for changes of the configuration.
    if (!touched.has_feed) return absl::OkStatus();
    using What = ConfigLogLine::What;
    std::vector<ConfigLogLine> lines;
    if (touched.is_everything || touched.refs.empty()) {
      lines.push_back({.revision = revision,
                       .what = touched.is_everything ? What::kEverything : What::kNothing});
    } else {
      for (const ConfigRef& ref : touched.refs) {
        lines.push_back({.revision = revision, .what = What::kObject, .ref = ref});
      }
    }
    return table_.AddLines(scope, lines);
  }

  ConfigTable& table_;
  const ConfigWrite& write_;
  std::map<std::string, Touched> touched_;  // by scope
};

}  // namespace

absl::Status ApplyConfig(ConfigTable& table, std::span<const ConfigWrite> writes) {
  for (const ConfigWrite& write : writes) CONVOY_RETURN_IF_ERROR(Change(table, write).Run());
  return absl::OkStatus();
}

absl::StatusOr<ConfigChanges> ReadConfigChanges(ConfigTable& table, std::string_view scope,
                                                uint64_t since) {
  ConfigChanges changes;
  CONVOY_ASSIGN_OR_RETURN(changes.revision, table.Revision(scope));
  changes.is_complete = changes.revision == since;
  if (changes.is_complete || since > changes.revision) return changes;
  CONVOY_ASSIGN_OR_RETURN(const std::vector<ConfigLogLine> lines,
                          table.ReadLines(scope, since, kLinesMax + 1));
  // Lines go in the order of their age: if the first one is there, so are the others.
  if (lines.empty() || lines.front().revision != since + 1 || lines.size() > kLinesMax) {
    return changes;
  }
  std::set<ConfigRef> refs;
  for (const ConfigLogLine& line : lines) {
    if (line.what == ConfigLogLine::What::kEverything) return changes;
    if (line.what == ConfigLogLine::What::kObject) refs.insert(line.ref);
  }
  for (const ConfigRef& ref : refs) {
    CONVOY_ASSIGN_OR_RETURN(std::optional<ConfigRecord> record, table.Find(ref.kind, ref.id));
    if (record.has_value() && ConfigScopeOf(*record) == scope) {
      changes.puts.push_back(*std::move(record));
    } else {
      changes.removes.push_back(ref);
    }
  }
  changes.is_complete = true;
  return changes;
}

}  // namespace convoy
