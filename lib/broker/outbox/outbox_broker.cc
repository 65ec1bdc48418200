// Choice among the outboxes that the host has named.
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#include "convoy/outbox.h"
#include "lib/base/status_macros.h"

namespace convoy {
namespace {

class OutboxBroker final : public Broker {
 public:
  explicit OutboxBroker(std::map<std::string, std::shared_ptr<Broker>> outboxes)
      : outboxes_(std::move(outboxes)) {}

  std::string_view type() const override { return "outbox"; }

  absl::StatusOr<std::unique_ptr<BrokerConsumer>> Open(const Source& source,
                                                       std::string_view consumer_id,
                                                       const BrokerEnvironment& env) override {
    CONVOY_ASSIGN_OR_RETURN(Broker* const outbox, Find(source));
    return outbox->Open(source, consumer_id, env);
  }

  absl::Status Check(const Source& source, const BrokerEnvironment& env) override {
    CONVOY_ASSIGN_OR_RETURN(Broker* const outbox, Find(source));
    return outbox->Check(source, env);
  }

 private:
  // Other names are not told: those who make sources need not know them.
  absl::StatusOr<Broker*> Find(const Source& source) const {
    const auto* config = std::get_if<OutboxConfig>(&source.broker);
    const auto found = config != nullptr ? outboxes_.find(config->name) : outboxes_.end();
    if (found == outboxes_.end()) {
      return absl::NotFoundError("the gateway's host has no outbox of this name");
    }
    return found->second.get();
  }

  const std::map<std::string, std::shared_ptr<Broker>> outboxes_;
};

}  // namespace

std::shared_ptr<Broker> NewOutboxBroker(std::map<std::string, std::shared_ptr<Broker>> outboxes) {
  return std::make_shared<OutboxBroker>(std::move(outboxes));
}

absl::Status CheckOutboxName(std::string_view name) {
  constexpr size_t kNameBytesMax = 64;
  const bool is_fit = !name.empty() && name.size() <= kNameBytesMax &&
                      std::all_of(name.begin(), name.end(), [](char c) {
                        return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' ||
                               c == '-' || c == '.';
                      });
  if (is_fit) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "the name of an outbox must be 1 to ", kNameBytesMax, " letters, digits, '_', '-' and '.'"));
}

}  // namespace convoy
