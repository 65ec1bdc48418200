// Every change notes its own reversal; a refused batch is undone backwards. That costs what the
// batch changes, where trying it on a copy would cost what exists.
#include "lib/storage/memory/config_tables.h"

#include <variant>

#include "lib/base/status_macros.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage {
namespace {

// What an object must not share with another of its kind, if anything.
using UniqueName = std::optional<std::pair<ConfigKind, std::string>>;
UniqueName UniqueNameOf(const Project& project) {
  return std::pair(ConfigKind::kProject, project.name);
}
UniqueName UniqueNameOf(const Source& source) {
  return std::pair(ConfigKind::kSource, source.mask_id);
}
UniqueName UniqueNameOf(const ApiKey& key) { return std::pair(ConfigKind::kApiKey, key.mask_id); }
UniqueName UniqueNameOf(const Endpoint&) { return std::nullopt; }
UniqueName UniqueNameOf(const Subscription&) { return std::nullopt; }

absl::Status NameTaken(ConfigKind kind) {
  return kind == ConfigKind::kProject ? ProjectNameTaken() : MaskTaken();
}

}  // namespace

absl::Status ConfigTables::Apply(const std::vector<ConfigWrite>& writes) {
  absl::Status status;
  for (const ConfigWrite& write : writes) {
    status = ApplyOne(write);
    if (!status.ok()) break;
  }
  if (!status.ok()) {
    for (auto undo = undo_.rbegin(); undo != undo_.rend(); ++undo) (*undo)();
  }
  undo_.clear();
  return status;
}

absl::Status ConfigTables::ApplyOne(const ConfigWrite& write) {
  if (RevisionOf(write.scope) != write.expected_revision) return RevisionMoved();
  Raise(write.scope);
  for (const ConfigObject& object : write.puts) {
    CONVOY_RETURN_IF_ERROR(std::visit(
        [this](const auto& typed) { return Change(typed.id, std::optional(typed)); }, object));
  }
  for (const ConfigRef& ref : write.removes) Remove(ref);
  return absl::OkStatus();
}

template <typename T>
absl::Status ConfigTables::Change(const std::string& id, std::optional<T> next) {
  auto& table = std::get<ById<T>>(tables_);
  std::optional<T> previous;
  if (const auto entry = table.find(id); entry != table.end()) previous = entry->second;
  const UniqueName taken = next.has_value() ? UniqueNameOf(*next) : std::nullopt;
  if (taken.has_value()) {
    const auto owner = owners_.find(*taken);
    if (owner != owners_.end() && owner->second != id) return NameTaken(taken->first);
  }
  const auto set = [this, &table, id](const std::optional<T>& from, const std::optional<T>& to) {
    if (from.has_value() && UniqueNameOf(*from).has_value()) owners_.erase(*UniqueNameOf(*from));
    if (to.has_value() && UniqueNameOf(*to).has_value()) owners_[*UniqueNameOf(*to)] = id;
    if (to.has_value()) {
      table[id] = *to;
    } else {
      table.erase(id);
    }
  };
  set(previous, next);
  undo_.push_back([set, previous, next] { set(next, previous); });
  return absl::OkStatus();
}

template <typename T, typename Wanted>
void ConfigTables::RemoveIf(Wanted wanted) {
  std::vector<std::string> ids;
  for (const auto& [id, object] : All<T>()) {
    if (wanted(object)) ids.push_back(id);
  }
  // Removing takes no name and is never refused.
  for (const std::string& id : ids) Change<T>(id, std::nullopt).IgnoreError();
}

void ConfigTables::Remove(const ConfigRef& ref) {
  const auto has_id = [&](const auto& object) { return object.id == ref.id; };
  switch (ref.kind) {
    case ConfigKind::kProject: {
      const auto is_inside = [&](const auto& object) { return object.project_id == ref.id; };
      RemoveIf<Source>(is_inside);
      RemoveIf<Endpoint>(is_inside);
      RemoveIf<Subscription>(is_inside);
      RemoveIf<ApiKey>(is_inside);
      RemoveIf<Project>(has_id);
      Raise(ref.id);  // whoever holds a snapshot of the project finds it outdated
      break;
    }
    case ConfigKind::kSource:
      RemoveIf<Source>(has_id);
      RemoveIf<Subscription>([&](const Subscription& s) { return s.source_id == ref.id; });
      break;
    case ConfigKind::kEndpoint:
      RemoveIf<Endpoint>(has_id);
      RemoveIf<Subscription>([&](const Subscription& s) { return s.endpoint_id == ref.id; });
      break;
    case ConfigKind::kSubscription:
      RemoveIf<Subscription>(has_id);
      break;
    case ConfigKind::kApiKey:
      RemoveIf<ApiKey>(has_id);
      break;
  }
}

void ConfigTables::Raise(const std::string& scope) {
  const bool was_known = revisions_.contains(scope);
  ++revisions_[scope];
  undo_.push_back([this, scope, was_known] {
    if (was_known) {
      --revisions_[scope];
    } else {
      revisions_.erase(scope);
    }
  });
}

uint64_t ConfigTables::RevisionOf(std::string_view scope) const {
  const auto entry = revisions_.find(scope);
  return entry == revisions_.end() ? 0 : entry->second;
}

const Source* ConfigTables::FindSourceByMask(std::string_view mask_id) const {
  const auto owner = owners_.find({ConfigKind::kSource, std::string(mask_id)});
  return owner == owners_.end() ? nullptr : &All<Source>().at(owner->second);
}

const ApiKey* ConfigTables::FindApiKeyByMask(std::string_view mask_id) const {
  const auto owner = owners_.find({ConfigKind::kApiKey, std::string(mask_id)});
  return owner == owners_.end() ? nullptr : &All<ApiKey>().at(owner->second);
}

}  // namespace convoy::storage
