// The store that the setting `database` names: an SQLite file, or PostgreSQL by a connection URI.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "convoy/gateway.h"

namespace convoyd {

// Whether `database` is a connection URI of PostgreSQL.
bool IsPostgres(std::string_view database);

// kInvalidArgument for what names no store that this program can open.
absl::Status CheckDatabase(std::string_view database);

// For logs and messages: a URI without its password and parameters.
std::string ShownDatabase(const std::string& database);

// Opens it, and creates what is missing. `observer` may be null.
absl::StatusOr<std::unique_ptr<convoy::Storage>> OpenDatabase(
    const std::string& database, std::shared_ptr<convoy::Observer> observer = nullptr);

}  // namespace convoyd
