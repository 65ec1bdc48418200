// Transactional outboxes: tables of a fixed shape. The host's own transactions insert events, and
// the gateway drains them. An event is delivered if its transaction commits, and never if it is
// rolled back. Each outbox has a name, by which pub_sub sources of the type "outbox" refer to it;
// no source can name a file or a server (docs/outbox.md).
//
//   auto orders = convoy::NewSqliteOutbox({.path = "/var/lib/shop/shop.db"});
//   parts.brokers.push_back(convoy::NewOutboxBroker({{"orders", orders}}));
//
// A row is deleted after the commit that holds its event, or the row itself as a dead letter. Its
// redelivery id is the table's identity, its number and a random key of its own: a row that is read
// again after a crash makes no second event.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"

#include "convoy/broker.h"

namespace convoy {

// Version of the tables' shape that this library makes and reads.
inline constexpr int kOutboxVersion = 1;

// The SQL that makes an outbox: several statements, to be run once, in one transaction.
// `schema` of PostgreSQL is the namespace of table and function, as in PostgresOutboxOptions.
std::string SqliteOutboxSql();
std::string PostgresOutboxSql(std::string_view schema = "convoy");

struct SqliteOutboxOptions {
  // The host's database file. It must exist, and must not be a gateway's own. Its journal mode and
  // other settings are left as they are.
  std::string path;
  // Whether missing tables are made. Otherwise a source cannot read without them.
  bool should_create = false;
};

struct PostgresOutboxOptions {
  // As of PostgresStorageOptions.
  std::string dsn;
  // The namespace of the table and the function: 1 to 40 characters of a-z, 0-9 and _.
  std::string schema = "convoy";
  // As of SqliteOutboxOptions. The role may then have to create the namespace.
  bool should_create = false;
};

// A Broker of the type "outbox" that reads this one table, for any name in a source. Nothing is
// opened before a consumer is. Errors of its consumers, in addition to those of BrokerConsumer:
//   kNotFound         there is no such table
//   kInvalidArgument  the table is of another version, the file is a gateway's own, or its encoding
//                     is not UTF-8
// One consumer of a table reads at a time, so that the order is kept; the others wait.
std::shared_ptr<Broker> NewSqliteOutbox(SqliteOutboxOptions options);
// In the component convoy::postgres. Reads from PostgreSQL 13 or later.
std::shared_ptr<Broker> NewPostgresOutbox(PostgresOutboxOptions options);

// Outboxes by their names, for GatewayParts::brokers. Sources that name another are kNotFound.
std::shared_ptr<Broker> NewOutboxBroker(std::map<std::string, std::shared_ptr<Broker>> outboxes);

// kInvalidArgument unless it is 1 to 64 letters, digits, '_', '-' and '.'.
absl::Status CheckOutboxName(std::string_view name);

}  // namespace convoy
