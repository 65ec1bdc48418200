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
// and no two are equal. A batch with any other id is refused with kInvalidArgument. A delivery has
// the project, the event type and the idempotency key of its event; an attempt has the project and
// the endpoint of its delivery. An event or an attempt that is already stored is not changed.

// Makes equal submissions recognisable. `scope` is the project's id; `key` is opaque bytes.
struct DedupeKey {
  std::string scope;
  std::string key;
  absl::Time expires_at = absl::InfiniteFuture();  // from then on the key counts as new again
  // The submission is known to be new: the key is taken over from an earlier one that holds it.
  bool is_taken_over = false;
};

// An event to be accepted, with its deliveries. If `dedupe` is held by an earlier event, the event
// is stored with `is_duplicate` set, status success, no endpoint ids and none of its deliveries.
// If `redelivery` or `former_redelivery` is held by an earlier input of any kind, it is the same
// input again (a broker's message whose acknowledgement was lost), and nothing is stored.
// `former_redelivery` is a key in an earlier form: it is compared, and never taken.
struct Submission {
  Event event;
  std::vector<Delivery> deliveries;
  std::optional<DedupeKey> dedupe;
  std::optional<DedupeKey> redelivery;
  std::optional<DedupeKey> former_redelivery;
};

// The space that held inputs take: their number, and the bytes of bodies, headers and queries.
struct HeldUse {
  uint64_t inputs = 0;
  uint64_t bytes = 0;

  friend bool operator==(const HeldUse&, const HeldUse&) = default;
};

// An input to be held because no event could be made of it. At most `items_max` inputs of one
// source and kind are held (0: no bound); beyond that the oldest are dropped. All held inputs
// together keep to `use_max` (0: no bound). Beyond it, the oldest inputs of the source that holds
// the most bytes are dropped, those in quarantine first, a bounded number with each write. The
// redelivery keys have the same meaning as in a submission. If its source has been removed, the
// input is left out.
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

// Effect of an attempt on a delivery. The attempt is recorded if the delivery exists. The delivery
// takes its next state only if `lease` is still its lease; a dispatcher that lost its lease changes
// nothing.
struct DeliveryUpdate {
  uint64_t lease = 0;
  Delivery delivery;               // the next state, whole
  std::optional<Attempt> attempt;  // absent when the delivery was put back or discarded untried
  // For a delivery that `sets_pace`: the time from its claim until it was sent. Its lane stays
  // closed for this much longer, so that the next delivery keeps its distance.
  absl::Duration lateness = absl::ZeroDuration();
};

// Schedules a delivery again at the request of an operator, if its status is one of `from`.
struct DeliveryRequeue {
  std::string project_id;
  std::string delivery_id;
  std::vector<DeliveryStatus> from;
  absl::Time due_at;
};

// A change of configuration, all or nothing. `scope` is the project's id, or empty for the
// instance. It is applied only if the scope's revision is still `expected_revision`, that is, if
// nothing that the caller read has changed; otherwise the batch fails with kAborted and the caller
// reads again. Every applied change raises the revision of its scope by one, and that of the scope
// of each object that it touches (ConfigScopeOf). Unique fields (config.h) are unique at each point
// of a batch; a value that is taken fails the batch with kAlreadyExists. Objects that are declared
// to be removed with another one (config.h) are removed with it: everything in a project with the
// project, held inputs with their source.
struct ConfigWrite {
  std::string scope;
  uint64_t expected_revision = 0;
  std::vector<ConfigRecord> puts;
  std::vector<ConfigRef> removes;
  // Endpoints that did not change, but whose lane's policy (lane.h) did. Their lanes are opened, as
  // those of changed endpoints are.
  std::vector<std::string> changed_lanes;
  // Applied at any revision: for new objects that depend on no others. In a scope without a feed
  // (ConfigHome) it does not raise the revision, because nothing that was read there has changed.
  bool is_unconditional = false;
};

// The unit of atomicity: all of it is applied, or none. Releases are applied first, then the
// configuration, then the others in the order below.
struct WriteBatch {
  std::vector<Submission> submissions;
  // Deliveries of stored events (replay). Those whose event has been removed are left out.
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
