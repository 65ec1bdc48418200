// Batches of writes to a store, and their results.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "convoy/config.h"
#include "convoy/model.h"

namespace convoy {

// Ids of events, deliveries, attempts and held inputs are ULIDs that SplitUlid (ulid.h) can split,
// each of them given once; a batch with another one is refused with kInvalidArgument. A delivery
// has the project, the event type and the idempotency key of its event; an attempt the project and
// the endpoint of its delivery. An event or an attempt that is stored already stays as it is.

// Makes equal submissions recognisable. `scope` is the project's id; `key` is opaque bytes.
struct DedupeKey {
  std::string scope;
  std::string key;
  absl::Time expires_at = absl::InfiniteFuture();  // from then on the key counts as new again
  // Taken even if it is held: the submission is known to be new, whatever the key says.
  bool is_taken_over = false;
};

// An event to be accepted, with its deliveries. If `dedupe` is held by an earlier event, the event
// is stored with `is_duplicate` set, status success, no endpoint ids and none of its deliveries.
// If `redelivery` or `former_redelivery` is held by an earlier input, of whatever kind, it is the
// same input come again (a broker's message whose acknowledgement was lost): nothing is stored at
// all. `former_redelivery` is a key of an earlier form, which is looked at and never taken.
struct Submission {
  Event event;
  std::vector<Delivery> deliveries;
  std::optional<DedupeKey> dedupe;
  std::optional<DedupeKey> redelivery;
  std::optional<DedupeKey> former_redelivery;
};

// The room that held inputs take, in number and in bytes of bodies, headers and queries.
struct HeldUse {
  uint64_t inputs = 0;
  uint64_t bytes = 0;

  friend bool operator==(const HeldUse&, const HeldUse&) = default;
};

// An input to be kept that no event could be made of. Of one source and kind at most `items_max`
// are kept (0: no bound); beyond that the oldest are dropped. All that the store holds keeps to
// `use_max` (0: no bound): beyond it the oldest inputs of the source that holds the most bytes are
// dropped, those of a quarantine first, a bounded number with each write. The redelivery keys are
// as of a submission. One whose source is gone meanwhile is left out.
struct HeldInputWrite {
  HeldInput input;
  uint32_t items_max = 0;
  HeldUse use_max;
  std::optional<DedupeKey> redelivery;
  std::optional<DedupeKey> former_redelivery;
};

// Removes a held input: its event is in the same batch, or it is discarded. A batch that releases
// an input which is not (or no longer) held fails with kNotFound, so that no input is released
// twice.
struct HeldInputRelease {
  std::string project_id;
  std::string held_id;
};

// Effect of an attempt on a delivery. The attempt is recorded as long as the delivery exists. The
// delivery takes its next state only while `lease` still holds it; a dispatcher that lost its lease
// changes nothing.
struct DeliveryUpdate {
  uint64_t lease = 0;
  Delivery delivery;               // the next state, whole
  std::optional<Attempt> attempt;  // absent when the delivery was put back or discarded untried
  // How long after its claim a delivery that `sets_pace` was sent: its lane stays closed for so
  // much longer, or the next ones would follow it too closely.
  absl::Duration lateness = absl::ZeroDuration();
};

// Puts a delivery back on schedule on request of an operator, if its status is one of `from`.
struct DeliveryRequeue {
  std::string project_id;
  std::string delivery_id;
  std::vector<DeliveryStatus> from;
  absl::Time due_at;
};

// A change of configuration, all or nothing. `scope` is the project's id, or empty for the
// instance. It is applied only while the scope's revision is still `expected_revision`, i.e. while
// what the caller read is still true; otherwise the batch fails with kAborted and the caller reads
// again. Every applied change raises by one the revision of its scope, and of the scope of each
// object that it touches (ConfigScopeOf). Unique fields (config.h) are unique at each point of a
// batch; a value that is taken fails the batch with kAlreadyExists. With an object goes what is
// declared to be removed with it: with a project everything in it, with a source its held inputs.
struct ConfigWrite {
  std::string scope;
  uint64_t expected_revision = 0;
  std::vector<ConfigRecord> puts;
  std::vector<ConfigRef> removes;
  // Endpoints whose lanes (lane.h) are looked at anew, as those of changed endpoints are: because
  // something else that their policy depends on has changed.
  std::vector<std::string> changed_lanes;
  // Applied whatever the revision is: for new objects that depend on no other ones. In a scope that
  // has no feed (ConfigHome) it does not raise the revision, as what was read there stays true.
  bool is_unconditional = false;
};

// The unit of atomicity: all of it happens, or none. Releases come first, then the configuration,
// then the others in the order below.
struct WriteBatch {
  std::vector<Submission> submissions;
  // Of events that are stored already (replay). Those whose event is gone meanwhile are left out.
  std::vector<Delivery> extra_deliveries;
  std::vector<DeliveryUpdate> updates;
  std::vector<DeliveryRequeue> requeues;
  std::vector<HeldInputWrite> holds;
  std::vector<ConfigWrite> config;
  std::vector<HeldInputRelease> releases;
};

enum class SubmissionOutcome : uint8_t { kAccepted, kDuplicate, kRedelivered };

// Result of one batch. A batch whose status is not OK changed nothing.
struct CommitResult {
  absl::Status status;
  std::vector<SubmissionOutcome> submissions;  // one for each submission
  std::vector<bool> updates_applied;           // one for each update: the lease held
  std::vector<bool> requeues_applied;          // one for each requeue: it exists and was in `from`
  uint64_t held_dropped_count = 0;             // inputs that made room because of a `use_max`
};

}  // namespace convoy
