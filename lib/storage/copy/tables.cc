// The list of tables; see tables.h. lib/storage/sqlite/schema.cc describes the columns.
#include "lib/storage/copy/tables.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace convoy::storage::copy {
namespace {

using enum ColumnType;

std::vector<Column> Ints(std::initializer_list<std::string_view> names,
                         std::initializer_list<Column> others) {
  std::vector<Column> columns;
  for (const std::string_view name : names) columns.push_back({name, kInt});
  columns.insert(columns.end(), others.begin(), others.end());
  return columns;
}

std::vector<Table> ConfigurationTables() {
  return {
      {.name = "name", .columns = Ints({"number"}, {{"id", kText}})},
      {.name = "removed_project", .columns = Ints({"number"}, {})},
      {.name = "config_revision", .columns = {{"scope", kText}, {"revision", kInt}}},
      {.name = "config",
       .columns =
           Ints({"kind"},
                {{"id", kText}, {"project_id", kText}, {"fields", kBlob}, {"document", kText}}),
       .keys_count = 2},
      {.name = "config_field",
       .columns = Ints({"kind", "field"}, {{"value", kText}, {"project_id", kText}, {"id", kText}}),
       .keys_count = 5},
      {.name = "config_change",
       .columns =
           Ints({"generation", "revision", "what", "kind"}, {{"scope", kText}, {"id", kText}})},
  };
}

Table EventTable() {
  return {.name = "event",
          .columns = Ints({"key", "key_shift", "id_tail", "project", "source", "is_duplicate",
                           "status", "created_at_us", "acknowledged_at_us"},
                          {{"event_type", kText},
                           {"idempotency_key", kText},
                           {"failure_reason", kText},
                           {"endpoints", kBlob},
                           {"content_type", kText},
                           {"url_query", kText},
                           {"url_path", kText},
                           {"headers", kText},
                           {"body", kBlob}})};
}

std::vector<Table> DeliveryTables() {
  return {
      {.name = "dedupe_key",
       .columns = {{"project", kInt}, {"hash", kBlob}, {"expires_at_us", kInt}},
       .keys_count = 2},
      {.name = "delivery",
       .columns = Ints(
           {"key", "key_shift", "id_tail", "event", "project", "endpoint", "subscription", "status",
            "mode", "strategy", "interval_us", "attempts_max", "attempts_count", "due_at_us",
            "latency_us", "created_at_us", "updated_at_us", "lease", "wake_at_us"},
           {{"description", kText}})},
      {.name = "lane",
       .columns = Ints({"endpoint", "project", "wake_at_us", "arrival_us", "closed_until_us",
                        "head", "is_disabled"},
                       {})},
  };
}

Table AttemptTable() {
  return {.name = "attempt",
          .columns = Ints({"key", "key_shift", "id_tail", "delivery", "http_status", "is_success",
                           "requested_at_us", "responded_at_us"},
                          {{"url", kText},
                           {"method", kText},
                           {"remote_ip", kText},
                           {"error", kText},
                           {"request_headers", kText},
                           {"response_headers", kText},
                           {"response_body", kBlob},
                           {"timings", kBlob}})};
}

Table HeldInputTable() {
  return {.name = "held_input",
          .columns = Ints({"key", "key_shift", "id_tail", "project", "source", "kind",
                           "received_at_us", "expires_at_us"},
                          {{"reason", kText},
                           {"detail", kText},
                           {"method", kText},
                           {"path", kText},
                           {"query", kText},
                           {"position", kText},
                           {"headers", kText},
                           {"body", kBlob}})};
}

std::vector<Table> MakeTables() {
  std::vector<Table> tables = ConfigurationTables();
  tables.push_back(EventTable());
  for (Table& table : DeliveryTables()) tables.push_back(std::move(table));
  tables.push_back(AttemptTable());
  tables.push_back(HeldInputTable());
  return tables;
}

}  // namespace

std::span<const Table> Tables() {
  static const auto* const kTables = new std::vector<Table>(MakeTables());
  return *kTables;
}

std::span<const std::string_view> UncopiedTables() {
  static constexpr std::string_view kTables[] = {
      "opener",         "opener_beat",     "backlog",      "held_total", "slice",
      "schema_version", "sqlite_sequence", "sqlite_stat1", kMarkTable};
  return kTables;
}

std::string ColumnsOf(const Table& table) {
  std::string list;
  for (const Column& column : table.columns) {
    absl::StrAppend(&list, list.empty() ? "" : ", ", column.name);
  }
  return list;
}

std::string KeysOf(const Table& table) {
  std::string list;
  for (size_t i = 0; i < table.keys_count; ++i) {
    absl::StrAppend(&list, i == 0 ? "" : ", ", table.columns[i].name);
  }
  return list;
}

uint64_t SizeOf(const Record& record) {
  uint64_t bytes = 0;
  for (const Value& value : record) {
    const auto* const text = std::get_if<std::string>(&value);
    bytes += text == nullptr ? sizeof(int64_t) : text->size();
  }
  return bytes;
}

}  // namespace convoy::storage::copy
