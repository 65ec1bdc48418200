// Intake from message brokers: from the messages of a poll to the one batch that stores them. Each
// message becomes an event with its deliveries or, if no event can be made of it, a dead letter:
// the message as it is, with the reason. There is no third way, so that nothing is lost and nothing
// blocks what stands behind it.
//
// Nothing is written here (intake.h). A message that comes again is recognised inside the
// transaction by its redelivery id.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"

#include "convoy/broker.h"
#include "convoy/storage.h"
#include "lib/intake/broker_message.h"
#include "lib/intake/intake.h"

namespace convoy::intake {

// Disposition of one message: an event, or a dead letter.
struct MessageDisposition {
  std::optional<size_t> submission;  // its place among the batch's submissions
  Refusal refusal;                   // otherwise
};

struct PreparedMessages {
  WriteBatch batch;
  std::vector<MessageDisposition> dispositions;  // one for each message
  bool wants_functions = false;                  // of some messages, first; nothing else is set
};

// Safe to use from any thread. Its arguments must outlive it.
class BrokerIntake {
 public:
  BrokerIntake(const GatewayOptions& options, const Intake* intake, Clock* clock,
               base::UlidGenerator* ulids)
      : options_(options), intake_(intake), clock_(clock), ulids_(ulids) {}

  // `source` reads from a broker and belongs to `project`. If the commit is kAborted, the project
  // was changed meanwhile: prepare again. `runs` has one for each message, if the source has
  // payload functions.
  PreparedMessages Prepare(const route::ProjectSnapshot& project, const Source& source,
                           std::span<const BrokerMessage> messages,
                           std::span<FunctionRuns> runs = {}) const;

  // The event of a dead letter, and the release of the dead letter, in one batch. kInvalidArgument
  // "reason: detail" if still no event can be made of it.
  absl::StatusOr<WriteBatch> PrepareHeldMessage(const route::ProjectSnapshot& project,
                                                const Source& source, const HeldInput& held,
                                                FunctionRuns* runs = nullptr) const;

  const ReceptionReport& receptions() const { return intake_->receptions(); }

 private:
  using MessageBatch = std::variant<WriteBatch, Refusal>;

  // Reads `message` into `out` as the source says, or says why that cannot be.
  std::optional<Refusal> Read(const Source& source, const BrokerMessage& message,
                              FunctionRuns* runs, AddressedEvent* out) const;
  MessageBatch PrepareOne(const route::ProjectSnapshot& project, const Source& source,
                          const BrokerMessage& message, FunctionRuns* runs) const;
  // The keys by which the message is recognised when it comes again.
  template <typename Input>
  void AddKeys(const Source& source, const BrokerMessage& message, Input& input) const;
  HeldInputWrite MakeHeldInputWrite(const Source& source, const BrokerMessage& message,
                                    const Refusal& refusal) const;

  const GatewayOptions& options_;
  const Intake* const intake_;
  Clock* const clock_;
  base::UlidGenerator* const ulids_;
};

}  // namespace convoy::intake
