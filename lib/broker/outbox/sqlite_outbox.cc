// Broker of one outbox in SQLite.
#include <memory>
#include <utility>

#include "convoy/outbox.h"
#include "lib/broker/outbox/sqlite_consumer.h"

namespace convoy {
namespace {

class SqliteOutbox final : public Broker {
 public:
  explicit SqliteOutbox(SqliteOutboxOptions options) : options_(std::move(options)) {}

  std::string_view type() const override { return "outbox"; }

  absl::StatusOr<std::unique_ptr<BrokerConsumer>> Open(const Source&, std::string_view,
                                                       const BrokerEnvironment& env) override {
    auto consumer = broker::outbox::SqliteConsumer::Open(options_, env);
    if (consumer.ok()) return consumer;
    return broker::outbox::WithoutPath(consumer.status(), options_.path);
  }

 private:
  const SqliteOutboxOptions options_;
};

}  // namespace

std::shared_ptr<Broker> NewSqliteOutbox(SqliteOutboxOptions options) {
  return std::make_shared<SqliteOutbox>(std::move(options));
}

}  // namespace convoy
