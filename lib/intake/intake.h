// Intake: from a request to the batch that accepts it. Limits, verification, idempotency key,
// event, matching, deliveries — everything up to the commit, without doing any I/O but cached
// configuration.
//
// Nothing here decides whether a submission is a duplicate: that is decided inside the transaction,
// so that two equal requests at the same instant give one event and one duplicate.
//
// Contents of an event: `body` and `content_type` come in and go out unchanged, byte for byte
// (an empty ingest body becomes "{}"); lib/body looks into them, forms included. `headers` are
// those that endpoints get (event_headers.h). `status` is success once there are deliveries, and
// failure with its reason where no subscription matched; the reason also tells of a filter that
// could not be applied, because the body cannot be looked into.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "convoy/clock.h"
#include "convoy/http.h"
#include "convoy/observer.h"
#include "convoy/options.h"
#include "convoy/storage.h"
#include "lib/base/ulid.h"
#include "lib/body/body_view.h"
#include "lib/config/config_cache.h"
#include "lib/intake/audience.h"
#include "lib/intake/ingest_report.h"
#include "lib/intake/payload_functions.h"
#include "lib/intake/reception.h"
#include "lib/model/job.h"

namespace convoy::intake {

// The body of POST …/events and its siblings, or a message of a broker.
struct RestEvent {
  std::string event_type;
  // Valid JSON, byte for byte as it stood in the request; of a raw message any bytes, or none, with
  // their Content-Type among the custom headers. Missing if nullopt.
  std::optional<std::string> data;
  Headers custom_headers;
  std::string idempotency_key;
};

// A request that its source has admitted.
struct VerifiedRequest {
  Verdict verdict;
  absl::Time now;
};

// The URL as the provider was given it: its host is configuration, whatever the request claims.
std::string PublicUrlOf(const HttpRequest& request, std::string_view public_url);

// Safe to use from any thread. Its arguments must outlive it.
class Intake {
 public:
  Intake(const GatewayOptions& options, Clock* clock, base::UlidGenerator* ulids,
         Observer* observer = nullptr, AudienceLimits limits = {});

  // Each returns a batch with exactly one submission (and, for PrepareSingle, the configuration
  // write that creates the endpoint's first subscription; for an event of very many endpoints, the
  // job that makes its deliveries: audience.h). Refusals are statuses whose message is
  // meant for the caller: kInvalidArgument, kUnauthenticated (verification failed), kNotFound,
  // kOutOfRange (body too large), kFailedPrecondition, kUnavailable (the provider's published key
  // is on its way). Those of PrepareIngest carry a reason (IngestReasonOf) and have been reported.
  //
  // `out_hold` (unless null) is set if the request is refused and its source keeps it: the sender
  // is to hear of the refusal once that is durable. A genuine request without the idempotency key
  // that its source asks for becomes an event without one, and `out_remark` (unless null) says so;
  // a source in quarantine keeps it instead (missing_idempotency_key).
  absl::StatusOr<WriteBatch> PrepareIngest(const route::ProjectSnapshot& project,
                                           const config::SourceEntry& source,
                                           const HttpRequest& request,
                                           std::optional<HeldInputWrite>* out_hold = nullptr,
                                           std::string* out_remark = nullptr) const;
  // The two halves of that, for a source with payload functions: no function is run for a stranger.
  // A request whose function fails is genuine, and kept whatever its source's mode; its reason is
  // function_failed. While `runs` wants something, the status means nothing.
  absl::StatusOr<VerifiedRequest> VerifyIngest(const route::ProjectSnapshot& project,
                                               const config::SourceEntry& source,
                                               const HttpRequest& request,
                                               std::optional<HeldInputWrite>* out_hold) const;
  absl::StatusOr<WriteBatch> AcceptIngest(const route::ProjectSnapshot& project,
                                          const config::SourceEntry& source,
                                          const HttpRequest& request,
                                          const VerifiedRequest& verified, FunctionRuns* runs,
                                          std::optional<HeldInputWrite>* out_hold,
                                          std::string* out_remark) const;
  // The event of a request that was held: verified by the source as it is now, by the clock of when
  // it came in. `out_reason` says why not, for HeldInput::reason. Does not release the input.
  absl::StatusOr<WriteBatch> PrepareHeldRequest(const route::ProjectSnapshot& project,
                                                const config::SourceEntry& source,
                                                const HeldInput& input, std::string* out_reason,
                                                FunctionRuns* runs = nullptr) const;
  absl::StatusOr<WriteBatch> PrepareSingle(const route::ProjectSnapshot& project, RestEvent event,
                                           std::string_view endpoint_id) const;
  absl::StatusOr<WriteBatch> PrepareFanout(const route::ProjectSnapshot& project, RestEvent event,
                                           std::string_view owner_id) const;
  absl::StatusOr<WriteBatch> PrepareBroadcast(const route::ProjectSnapshot& project,
                                              RestEvent event) const;
  // New deliveries for a stored event: of an ingest link, to whatever matches it now; of the REST
  // API or a broker, to those of its endpoints that want it now. There may be none. Very many are
  // made by a job.
  absl::StatusOr<WriteBatch> PrepareReplay(const route::ProjectSnapshot& project,
                                           const Event& event) const;

  const AudienceLimits& limits() const { return limits_; }

  // Reports of ingest requests: the HTTP layer adds those that it refuses by itself.
  IngestReport& report() const { return *report_; }

  // Spans of what is taken in: those who commit a batch begin and end them.
  ReceptionReport& receptions() { return receptions_; }
  const ReceptionReport& receptions() const { return receptions_; }

 private:
  // The fate of a genuine request without the idempotency key that its source asks for.
  enum class KeyRule : uint8_t { kAccept, kRefuse };

  // All that can be said of a request without its verifier.
  absl::Status CheckRequest(const route::ProjectSnapshot& project,
                            const config::SourceEntry& source, const HttpRequest& request) const;
  // Processing after verification.
  absl::StatusOr<WriteBatch> AcceptRequest(const route::ProjectSnapshot& project,
                                           const config::SourceEntry& entry,
                                           const HttpRequest& request,
                                           const VerifiedRequest& verified, KeyRule key_rule,
                                           FunctionRuns* runs, std::string* out_remark) const;
  // The dedupe key: of the values at the source's own places, or else of the provider's id.
  absl::StatusOr<std::optional<DedupeKey>> KeyOf(const config::SourceEntry& entry,
                                                 const HttpRequest& request, const Verdict& verdict,
                                                 KeyRule key_rule, body::BodyView& body,
                                                 Event* event, std::string* out_remark) const;
  // The batch of an event whose deliveries `job` is to make, of which the audience is set.
  WriteBatch DeferDeliveries(const route::ProjectSnapshot& project, Event event, model::Job job,
                             std::optional<DedupeKey> dedupe) const;
  absl::Time ReplayInstant(const Event& event) const;
  WriteBatch DeferReplay(const route::ProjectSnapshot& project, const Event& event,
                         bool is_of_link) const;
  // Returns `refusal`.
  absl::Status RefuseIngestOf(const config::SourceEntry& source, const HttpRequest& request,
                              const absl::Status& refusal, std::string_view scheme, absl::Time now,
                              std::optional<HeldInputWrite>* out_hold) const;

  const GatewayOptions& options_;
  Clock* const clock_;
  base::UlidGenerator* const ulids_;
  const AudienceLimits limits_;
  const std::unique_ptr<IngestReport> report_;
  ReceptionReport receptions_;
};

}  // namespace convoy::intake
