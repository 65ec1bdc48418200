// The migration of configuration to schema 4, object by object.
#include "lib/storage/sqlite/config_migration.h"

#include <string>

#include "absl/strings/str_cat.h"

#include "convoy/config.h"
#include "lib/base/status_macros.h"
#include "lib/model/codec.h"
#include "lib/storage/sqlite/config_rows.h"

namespace convoy::storage {
namespace {

template <ConfigObject T>
absl::Status MoveAll(Connection& connection, std::string_view table,
                     absl::StatusOr<T> (*decode)(std::string_view)) {
  ConfigRows rows(connection);
  {
    const std::string sql = absl::StrCat("SELECT id, document FROM ", table);
    Statement row = connection.Prepare(sql);
    while (row.Next()) {
      const absl::StatusOr<T> object = decode(row.TextAt(1));
      if (!object.ok()) {
        return absl::DataLossError(
            absl::StrCat(table, " ", row.TextAt(0), ": ", object.status().message()));
      }
      CONVOY_RETURN_IF_ERROR(rows.Put(ConfigRecord(*object), nullptr));
    }
    CONVOY_RETURN_IF_ERROR(row.status());
  }
  return connection.Execute(absl::StrCat("DROP TABLE ", table).c_str());
}

}  // namespace

absl::Status MigrateConfig(Connection& connection) {
  CONVOY_RETURN_IF_ERROR(connection.Execute(kCreateConfigTables));
  CONVOY_RETURN_IF_ERROR(MoveAll(connection, "project", model::DecodeProject));
  CONVOY_RETURN_IF_ERROR(MoveAll(connection, "source", model::DecodeSource));
  CONVOY_RETURN_IF_ERROR(MoveAll(connection, "endpoint", model::DecodeEndpoint));
  CONVOY_RETURN_IF_ERROR(MoveAll(connection, "subscription", model::DecodeSubscription));
  return MoveAll(connection, "api_key", model::DecodeApiKey);
}

}  // namespace convoy::storage
