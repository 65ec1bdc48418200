// Events that the host hands over itself: prepared by intake, committed like those of a request,
// and prepared anew if the project was changed in between.
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/gateway/embedded_gateway.h"
#include "lib/intake/job_room.h"
#include "lib/json/raw.h"
#include "lib/storage/write_tries.h"

namespace convoy::gateway {
namespace {

absl::Status CheckData(const HostEvent& event) {
  const absl::Status status = json::Validate(event.data, json::kPayloadLimits);
  if (status.ok() || event.data.empty()) return absl::OkStatus();  // intake names what is missing
  return absl::Status(status.code(), absl::StrCat("data: ", status.message()));
}

absl::Status Closing() { return absl::UnavailableError("the gateway is shutting down, try again"); }

}  // namespace

struct EmbeddedGateway::PendingEvent {
  HostEvent event;
  std::function<void(absl::StatusOr<Receipt>)> done;
  std::string event_id;
  intake::Receptions receptions;
  storage::WriteTries tries;
};

absl::StatusOr<WriteBatch> EmbeddedGateway::Prepare(PendingEvent& pending) {
  const HostEvent& event = pending.event;
  CONVOY_RETURN_IF_ERROR(CheckData(event));
  CONVOY_ASSIGN_OR_RETURN(const auto project, configuration_.FindProject(event.project_id));
  intake::RestEvent input{.event_type = event.event_type,
                          .custom_headers = event.custom_headers,
                          .idempotency_key = event.idempotency_key};
  if (!event.data.empty()) input.data = event.data;
  absl::StatusOr<WriteBatch> batch;
  switch (event.audience) {
    case HostEvent::Audience::kEndpoint:
      batch = intake_.PrepareSingle(*project, std::move(input), event.recipient);
      break;
    case HostEvent::Audience::kOwner:
      batch = intake_.PrepareFanout(*project, std::move(input), event.recipient);
      break;
    case HostEvent::Audience::kEveryone:
      if (!event.recipient.empty()) {
        return absl::InvalidArgumentError("recipient: must be empty for an event to everyone");
      }
      batch = intake_.PrepareBroadcast(*project, std::move(input));
      break;
  }
  if (batch.ok()) {
    CONVOY_RETURN_IF_ERROR(intake::CheckJobRoom(*parts_.storage, options_.open_jobs_max, *batch));
  }
  if (batch.ok()) {
    pending.event_id = batch->submissions.front().event.id;
    pending.receptions = intake_.receptions().Begin(project->project(), *batch);
  }
  return batch;
}

std::optional<absl::StatusOr<Receipt>> EmbeddedGateway::ReceiptFor(PendingEvent& pending,
                                                                   const CommitResult& result) {
  if (pending.tries.ShouldPrepareAnew(result.status)) return std::nullopt;
  if (!result.status.ok()) return result.status;
  intake_.receptions().End(pending.receptions, SpanKind::kInternal, result);
  NotifyIfDue(result, /*has_deliveries=*/true);
  return Receipt{.event_id = std::move(pending.event_id),
                 .is_duplicate = result.submissions.front() == SubmissionOutcome::kDuplicate};
}

absl::StatusOr<Receipt> EmbeddedGateway::Ingest(HostEvent event) {
  if (!Enter()) return Closing();
  const absl::Cleanup leave = [this] { Leave(); };
  PendingEvent pending{.event = std::move(event)};
  std::optional<absl::StatusOr<Receipt>> receipt;
  while (!receipt.has_value()) {
    absl::StatusOr<WriteBatch> batch = Prepare(pending);
    if (batch.ok()) {
      receipt = ReceiptFor(pending, commits_.Commit(*std::move(batch)));
    } else {
      receipt = batch.status();
    }
  }
  return *std::move(receipt);
}

void EmbeddedGateway::IngestAsync(HostEvent event,
                                  std::function<void(absl::StatusOr<Receipt>)> done) {
  done = Completion(std::move(done));
  if (!Enter()) return done(Closing());
  IngestPending(std::make_shared<PendingEvent>(
      PendingEvent{.event = std::move(event), .done = std::move(done)}));
}

void EmbeddedGateway::IngestPending(std::shared_ptr<PendingEvent> pending) {
  absl::StatusOr<WriteBatch> batch = Prepare(*pending);
  if (!batch.ok()) {
    pending->done(batch.status());
    Leave();
    return;
  }
  commits_.CommitAsync(*std::move(batch), [this, pending](const CommitResult& result) {
    std::optional<absl::StatusOr<Receipt>> receipt = ReceiptFor(*pending, result);
    if (!receipt.has_value()) return IngestPending(pending);
    pending->done(*std::move(receipt));
    Leave();
  });
}

}  // namespace convoy::gateway
