// Broker of one outbox in PostgreSQL.
#include <memory>
#include <utility>

#include "convoy/outbox.h"
#include "lib/broker/outbox/postgres_consumer.h"

namespace convoy {
namespace {

class PostgresOutbox final : public Broker {
 public:
  explicit PostgresOutbox(PostgresOutboxOptions options) : options_(std::move(options)) {}

  std::string_view type() const override { return "outbox"; }

  absl::StatusOr<std::unique_ptr<BrokerConsumer>> Open(const Source&, std::string_view,
                                                       const BrokerEnvironment& env) override {
    return broker::outbox::PostgresConsumer::Open(options_, env);
  }

 private:
  const PostgresOutboxOptions options_;
};

}  // namespace

std::shared_ptr<Broker> NewPostgresOutbox(PostgresOutboxOptions options) {
  return std::make_shared<PostgresOutbox>(std::move(options));
}

}  // namespace convoy
