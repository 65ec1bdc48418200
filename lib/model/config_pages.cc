// Questions about configuration, answered by walks: a list is one walk along the best index that
// its conditions have, on which the other conditions are tried. A walk is bounded; where it ends
// without a full page, the page says where to go on.
#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "convoy/config_table.h"
#include "lib/base/status_macros.h"

namespace convoy {
namespace {

// How many records a page may look at where not every one of them is wanted.
constexpr size_t kLookedAtMax = 1000;

absl::Status NotFound(ConfigKind kind) {
  const ConfigKindInfo* const info = FindConfigKind(kind);
  return absl::NotFoundError(absl::StrCat(info == nullptr ? "object" : info->name, " not found"));
}

absl::StatusOr<size_t> FieldOf(const ConfigKindInfo& info, std::string_view name) {
  const std::optional<size_t> field = FindConfigField(info, name);
  if (field.has_value()) return *field;
  return absl::InvalidArgumentError(absl::StrCat("a ", info.name, " has no field ", name));
}

// A condition that is tried on each record of a walk.
struct Condition {
  size_t field;
  std::vector<std::string> values;  // one of these, or:
  std::string part;                 // lower case
};

bool IsMet(const Condition& condition, const ConfigRecord& record) {
  const std::string& value = record.fields[condition.field];
  if (condition.values.empty()) {
    return absl::StrContains(absl::AsciiStrToLower(value), condition.part);
  }
  return std::find(condition.values.begin(), condition.values.end(), value) !=
         condition.values.end();
}

struct Plan {
  ConfigWalk walk;
  std::vector<Condition> conditions;
};

absl::StatusOr<Plan> PlanOf(const ConfigQuery& query) {
  const ConfigKindInfo* const info = FindConfigKind(query.kind);
  if (info == nullptr) return absl::InvalidArgumentError("no such kind of configuration object");
  const ConfigFieldUse indexed =
      query.project_id.has_value() ? ConfigFieldUse::kProject : ConfigFieldUse::kGlobal;
  Plan plan{.walk = {.kind = query.kind, .project_id = query.project_id}};
  for (const ConfigCondition& condition : query.conditions) {
    CONVOY_ASSIGN_OR_RETURN(const size_t field, FieldOf(*info, condition.field));
    if (condition.values.empty()) continue;
    if (!plan.walk.field.has_value() && info->fields[field].use == indexed) {
      plan.walk.field = field;
      plan.walk.values = condition.values;
    } else {
      plan.conditions.push_back({.field = field, .values = condition.values});
    }
  }
  if (!query.name_contains.empty()) {
    CONVOY_ASSIGN_OR_RETURN(const size_t field, FieldOf(*info, "name"));
    plan.conditions.push_back({.field = field, .part = absl::AsciiStrToLower(query.name_contains)});
  }
  return plan;
}

// The result of a walk from one place.
struct Look {
  std::vector<ConfigRecord> found;
  bool has_more = false;
  std::string next_id;  // the record that comes next, if there are more
  // The last record that was looked at, if the walk ended at its bound.
  std::optional<std::string> bound_id;
};

absl::StatusOr<Look> LookFrom(ConfigTable& table, const Plan& plan, std::string_view cursor,
                              bool is_inclusive, bool is_ascending, size_t found_max) {
  const size_t looked_at_max =
      plan.conditions.empty() ? found_max : std::max(found_max, kLookedAtMax);
  ConfigWalk walk = plan.walk;
  walk.from_id = cursor;
  walk.is_inclusive = is_inclusive;
  walk.is_ascending = is_ascending;
  walk.records_max = looked_at_max + 1;
  CONVOY_ASSIGN_OR_RETURN(std::vector<ConfigRecord> records, table.Walk(walk));
  Look look;
  for (size_t i = 0; i < records.size(); ++i) {
    const bool is_met =
        std::all_of(plan.conditions.begin(), plan.conditions.end(),
                    [&](const Condition& condition) { return IsMet(condition, records[i]); });
    if (i == looked_at_max && look.found.size() < found_max) look.bound_id = records[i - 1].id;
    if (i == looked_at_max || (is_met && look.found.size() == found_max)) {
      look.has_more = true;
      look.next_id = std::move(records[i].id);
      break;
    }
    if (is_met) look.found.push_back(std::move(records[i]));
  }
  return look;
}

absl::StatusOr<Page<ConfigRecord>> PageForward(ConfigTable& table, const Plan& plan,
                                               const PageRequest& request) {
  CONVOY_ASSIGN_OR_RETURN(Look look, LookFrom(table, plan, request.cursor, /*is_inclusive=*/true,
                                              request.is_ascending, request.items_max));
  Page<ConfigRecord> page{.items = std::move(look.found),
                          .next_cursor = std::move(look.next_id),
                          .has_next = look.has_more};
  if (!request.cursor.empty()) {
    const std::string& anchor = page.items.empty() ? request.cursor : page.items.front().id;
    CONVOY_ASSIGN_OR_RETURN(const Look before, LookFrom(table, plan, anchor, /*is_inclusive=*/false,
                                                        !request.is_ascending, 1));
    page.has_prev = !before.found.empty() || before.has_more;
  }
  if (!page.items.empty()) {
    page.prev_cursor = page.items.front().id;
  } else if (page.has_prev) {
    page.prev_cursor = request.cursor;
  }
  return page;
}

absl::StatusOr<Page<ConfigRecord>> PageBackward(ConfigTable& table, const Plan& plan,
                                                const PageRequest& request) {
  CONVOY_ASSIGN_OR_RETURN(Look look, LookFrom(table, plan, request.cursor, /*is_inclusive=*/false,
                                              !request.is_ascending, request.items_max));
  Page<ConfigRecord> page{.items = std::move(look.found), .has_prev = look.has_more};
  std::reverse(page.items.begin(), page.items.end());
  if (look.bound_id.has_value()) {
    page.prev_cursor = *std::move(look.bound_id);
  } else if (!page.items.empty()) {
    page.prev_cursor = page.items.front().id;
  }
  CONVOY_ASSIGN_OR_RETURN(
      const Look after,
      LookFrom(table, plan, request.cursor, /*is_inclusive=*/true, request.is_ascending, 1));
  page.has_next = !after.found.empty() || after.has_more;
  if (!after.found.empty()) {
    page.next_cursor = after.found.front().id;
  } else if (page.has_next) {
    page.next_cursor = request.cursor;
  }
  return page;
}

}  // namespace

absl::StatusOr<ConfigRecord> GetConfig(ConfigTable& table, ConfigKind kind,
                                       std::string_view project_id, std::string_view id) {
  CONVOY_ASSIGN_OR_RETURN(std::optional<ConfigRecord> record, table.Find(kind, id));
  if (!record.has_value() || record->project_id != project_id) return NotFound(kind);
  return *std::move(record);
}

absl::StatusOr<ConfigRecord> FindConfig(ConfigTable& table, ConfigKind kind, std::string_view field,
                                        std::string_view value) {
  const ConfigKindInfo* const info = FindConfigKind(kind);
  if (info == nullptr) return absl::InvalidArgumentError("no such kind of configuration object");
  CONVOY_ASSIGN_OR_RETURN(const size_t position, FieldOf(*info, field));
  if (info->fields[position].use != ConfigFieldUse::kUnique) {
    return absl::InvalidArgumentError(absl::StrCat("the field ", field, " is not unique"));
  }
  CONVOY_ASSIGN_OR_RETURN(const std::vector<std::string> ids,
                          table.FindIds(kind, position, value, 1));
  if (ids.empty()) return NotFound(kind);
  CONVOY_ASSIGN_OR_RETURN(std::optional<ConfigRecord> record, table.Find(kind, ids.front()));
  if (!record.has_value()) return NotFound(kind);
  return *std::move(record);
}

absl::StatusOr<Page<ConfigRecord>> ListConfig(ConfigTable& table, const ConfigQuery& query,
                                              const PageRequest& page) {
  CONVOY_ASSIGN_OR_RETURN(const Plan plan, PlanOf(query));
  if (page.is_backward && !page.cursor.empty()) return PageBackward(table, plan, page);
  return PageForward(table, plan, page);
}

}  // namespace convoy
