// Storage: the durable memory of a gateway, as an interface for other implementations.
//
// Writing has two steps: Write takes several batches and makes each of them atomic and visible,
// Sync makes all that was written durable; one may run while the other does. Reading is a set of
// typed queries. Work is handed out by ClaimDue under leases, so several processes may share one
// store and a dead one's work is taken over.
//
// Implementations must be safe to call from any thread and pass the conformance suite
// (convoy/testing/storage_conformance.h). Instants are kept with microsecond resolution.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/config.h"
#include "convoy/lane.h"
#include "convoy/model.h"

namespace convoy {

// Writing.

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
// dropped, those of a quarantine first, a bounded number with each hold. The redelivery keys are as
// of a submission. One whose source is gone meanwhile is left out.
struct Hold {
  HeldInput input;
  uint32_t items_max = 0;
  HeldUse use_max;
  std::optional<DedupeKey> redelivery;
  std::optional<DedupeKey> former_redelivery;
};

// Removes a held input: its event is in the same batch, or it is discarded. A batch that releases
// an input which is not (or no longer) held fails with kNotFound, so that no input is released
// twice.
struct HoldRelease {
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
  std::vector<Hold> holds;
  std::vector<ConfigWrite> config;
  std::vector<HoldRelease> releases;
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

// Reading.

// How many rows a list looks at for one page. Conditions that no index helps with select among
// them.
inline constexpr uint32_t kListRowsMax = 10'000;

// A window of a list. Lists of configuration are ordered by id; those of what flows by the instants
// in the ids, then in the order of arrival; newest first unless `is_ascending`. `cursor` is one
// that an earlier page gave (another one is kInvalidArgument), or empty for the first page;
// `is_backward` walks towards its start.
struct PageRequest {
  std::string cursor;
  bool is_backward = false;
  bool is_ascending = false;
  uint32_t items_max = 20;
};

// A page may be shorter than asked for, and even empty, although there is more in its direction: it
// ends when kListRowsMax rows were looked at. Whether there is anything in the other direction is
// told by a look at a bounded number of rows, too, and is then to be read as "there may be".
template <typename T>
struct Page {
  std::vector<T> items;
  std::string next_cursor;  // pass back with is_backward = false
  std::string prev_cursor;  // pass back with is_backward = true
  bool has_next = false;
  bool has_prev = false;
};

// A field that has one of `values`. Without values: no condition.
struct ConfigCondition {
  std::string field;
  std::vector<std::string> values;
};

// Configuration objects of one kind.
struct ConfigQuery {
  ConfigKind kind = ConfigKind::kProject;
  std::optional<std::string> project_id;    // nullopt: of all projects; empty: of none
  std::vector<ConfigCondition> conditions;  // all of them hold
  std::string name_contains;                // a part of the field "name", without case; empty: all
};

// The changes of a scope since a revision.
struct ConfigChanges {
  uint64_t revision = 0;  // of the scope now
  // Whether the store still knows; otherwise everything of the scope has to be read again.
  bool is_complete = false;
  std::vector<ConfigRecord> puts;  // changed objects, as they are now
  std::vector<ConfigRef> removes;  // those that are not of the scope any more
};

// A search: what begins with `text` as an id, or has it, without case, in its event type or
// idempotency key, or is of one of these sources.
struct SearchText {
  std::string text;                     // empty: everything
  std::vector<std::string> source_ids;  // of events
};

// Instants are compared with those in the ids, which are milliseconds: a range costs what is in it.
struct EventQuery {
  std::string project_id;
  std::vector<std::string> endpoint_ids;
  std::vector<std::string> source_ids;
  std::string idempotency_key;
  std::string event_type;
  SearchText search;                                  // by the id of the event
  absl::Time created_from = absl::InfinitePast();     // inclusive
  absl::Time created_until = absl::InfiniteFuture();  // inclusive
};

struct DeliveryQuery {
  std::string project_id;
  std::string event_id;
  std::string subscription_id;
  std::string idempotency_key;
  std::string event_type;
  std::vector<std::string> endpoint_ids;
  std::vector<DeliveryStatus> statuses;
  SearchText search;  // by the ids of the delivery and of its event; not by sources
  absl::Time created_from = absl::InfinitePast();
  absl::Time created_until = absl::InfiniteFuture();
};

struct HeldQuery {
  std::string project_id;
  std::vector<std::string> source_ids;  // any of these; empty: all
  std::optional<HeldKind> kind;
  std::string reason;   // empty: all
  std::string from_id;  // no older ones than this; empty: all
  absl::Time now;       // what has expired by then is not listed
};

// Work.

struct ClaimRequest {
  absl::Time now;
  absl::Duration lease = absl::Seconds(60);  // must exceed the longest attempt
  uint32_t items_max = 64;
  uint32_t items_per_endpoint_max = 16;
  // Of the bodies in the answer, each event counted once: no further delivery is handed out that
  // would exceed it, but the first one is, whatever its size.
  uint64_t bytes_max = std::numeric_limits<uint64_t>::max();
  // For these endpoints another number in its place, at least 1.
  std::unordered_map<std::string, uint32_t> items_max_of_endpoint;
  std::vector<std::string> skipped_endpoint_ids;  // those that this dispatcher has no room for
  // The policy of a lane (lane.h), nullopt if it is not known at present. Empty: no lane has any.
  // Called within ClaimDue, perhaps under a lock of the store: it must be quick, safe to call from
  // any thread, and must not call the store.
  std::function<std::optional<LanePolicy>(std::string_view project_id,
                                          std::string_view endpoint_id)>
      policy_of;
};

// A claimed delivery. `lease` must accompany its update.
struct ClaimedDelivery {
  uint64_t lease = 0;
  Delivery delivery;
  std::shared_ptr<const Event> event;  // shared by all claims of the event in one answer
  bool sets_pace = false;              // the first in this answer of a lane with a rate limit
};

struct LaneName {
  std::string project_id;
  std::string endpoint_id;
};

// A lane whose rate limit holds back deliveries that are due.
struct ThrottledLane {
  LaneName lane;
  absl::Time until;
};

struct Claim {
  std::vector<ClaimedDelivery> deliveries;
  // Whether they may be sent only after a Sync that begins later. A store says false where it knows
  // that they, and what made them due, are durable but for what this opener itself has written
  // since its last Sync, and that the claim need not be.
  bool needs_sync = true;
  absl::Time next_due_at = absl::InfiniteFuture();  // when more work of unskipped endpoints is due
  // Lanes with work that was left alone because their policy is not known: the caller is to learn
  // it and to claim again.
  std::vector<LaneName> unknown_lanes;
  std::vector<ThrottledLane> throttled_lanes;  // of those that this claim came to
  // Lanes with work that was left alone because their policy says that it is unserved. Until they
  // are among the `skipped_endpoint_ids` of a request, the work counts as due.
  std::vector<LaneName> unserved_lanes;
};

// Deliveries of a project that have not ended, whatever they wait for.
struct Backlog {
  std::string project_id;
  uint64_t count = 0;
  // When the one that is waiting longest was due. Claimed ones are due when their lease ends.
  absl::Time oldest_due_at = absl::InfiniteFuture();
};

// How many projects a list of backlogs looks at, and how many lanes, those first that were to be
// looked at earliest: what is behind them does not count for `oldest_due_at`.
inline constexpr uint32_t kBacklogsMax = 10'000;
inline constexpr uint32_t kBacklogLanesMax = 4'096;

// Retention.

// How long an expired key is left where it is. Whether it has expired is decided by the instant of
// the submission that brings it, which may be committed later or come from a clock that is behind.
inline constexpr absl::Duration kExpiredKeyGrace = absl::Hours(1);

struct PruneRequest {
  // Events that were made before it go, oldest first, with their deliveries and attempts, as soon
  // as every one of their deliveries has ended (success, failure, discarded), or waits, unclaimed,
  // in a lane that the latest claim to come to it found disabled. When an event was made, its id
  // says, which is a ULID.
  absl::Time events_before = absl::InfinitePast();
  std::string project_id;  // only events of this project; empty: of all
  // Only events behind this id are looked at: where an earlier call has come to, so that those that
  // have not ended are passed but once on the way. Empty: from the oldest on.
  std::string after_event_id;
  // Dedupe keys that have expired by then go, earliest first, whatever has become of their events.
  absl::Time keys_expired_by = absl::InfinitePast();
  // At most so many events are looked at, and no further one once that many rows have gone; at most
  // so many keys go. An event goes whole, however many deliveries it has. A store may do less.
  uint32_t items_max = 256;
};

struct Pruned {
  uint64_t events_count = 0;
  uint64_t deliveries_count = 0;
  uint64_t attempts_count = 0;
  uint64_t keys_count = 0;
  std::string last_event_id;  // the last that was looked at, or where the request began; opaque
  bool may_have_more = false;
};

class Storage {
 public:
  virtual ~Storage() = default;

  // The kind of store, e.g. "sqlite". Stable.
  virtual std::string_view name() const = 0;

  // Applies `batches` in order and makes them durable together. A batch that fails (kAborted for a
  // revision that moved, kAlreadyExists for a taken name or mask, kNotFound for the release of an
  // input that is not held) leaves no trace and does not affect its neighbours; its result says so.
  // `results` has the size of `batches`. The returned status concerns all of them: if it is not OK,
  // nothing at all was written, or, for kDataLoss, it is unknown what was written, and every later
  // Commit returns the same until the store is opened again. The batches are consumed (bodies may
  // be moved from) unless the call fails.
  virtual absl::Status Write(std::span<WriteBatch* const> batches,
                             std::span<CommitResult> results) = 0;

  // Makes durable what was written before the call, and what other openers had written that those
  // writes came upon. May run while another thread writes. A store that is durable when Write
  // returns, or never, need not do anything. If it fails (kDataLoss) it cannot be known what is
  // durable of what was written since the last Sync that succeeded, and every later Write fails.
  virtual absl::Status Sync() { return absl::OkStatus(); }

  // Both: applies `batches` and makes them durable. No answer may be given on the results of a
  // Write alone.
  absl::Status Commit(std::span<WriteBatch* const> batches, std::span<CommitResult> results) {
    absl::Status status = Write(batches, results);
    return status.ok() ? Sync() : status;
  }

  // Whether other openers may bring work that this one is not told of. Then it is worth claiming
  // now and then although nothing was due.
  virtual bool may_be_shared() const { return false; }

  // Hands out deliveries that are due, at most once each until their lease ends; those whose lease
  // has ended are due again, except in the mode at_most_once: such a delivery may have been sent,
  // and ends as a failure. Fair between endpoints, and within one the longest due first. Status
  // becomes kProcessing.
  //
  // Of each lane, which is the traffic of one endpoint, it hands out what the lane's policy allows,
  // counting what all openers of the store have handed out. A lane that is closed, by its rate or
  // because it is paused or disabled, is not due before it opens, and its deliveries stay as they
  // are. A change
  // of the endpoint's record opens it, so that the new policy holds at once; no lane is closed for
  // longer than kLaneClosureMax without another look at its policy.
  //
  // A delivery may be sent after a Sync that begins later: then it is durable. Claim::needs_sync
  // tells when that need not be waited for. The claim itself must be durable in the mode
  // at_most_once, where it is the record that the delivery is about to be sent, and so must the
  // outcome that let a lane in order go on to its next delivery; otherwise a claim that is
  // forgotten in a crash is merely made again.
  virtual absl::StatusOr<Claim> ClaimDue(const ClaimRequest& request) = 0;

  // Where several openers share a store, one that has died is noticed: its leases end when the
  // store is opened again, and within seconds (of `now`) when another opener claims. An opener that
  // is alive but silent keeps its claims until their leases end.

  // Ends every lease of this opener of the store, as if they had run out, so a clean shutdown
  // delays nothing.
  virtual absl::Status ReleaseClaims() = 0;

  // Until when a lane is closed, by its rate or because it is paused or disabled, although
  // deliveries of it are due by `now`; InfinitePast if none is held back so. Whichever opener has
  // closed it.
  virtual absl::StatusOr<absl::Time> LaneClosedUntil(const LaneName& lane, absl::Time now) = 0;

  // The revision of a scope, 0 when nothing was ever written to it.
  virtual absl::StatusOr<uint64_t> ConfigRevision(std::string_view scope) = 0;

  // A number that changes with every change of configuration, by this opener as soon as it is
  // visible, by others no later than a second after it is durable. Cheap.
  virtual absl::StatusOr<uint64_t> ConfigGeneration() = 0;

  // Configuration in records; config_read.h reads it in objects. kNotFound when the id is unknown
  // or belongs to another project, or when no record has the value in its unique field.
  virtual absl::StatusOr<ConfigRecord> GetConfig(ConfigKind kind, std::string_view project_id,
                                                 std::string_view id) = 0;
  virtual absl::StatusOr<ConfigRecord> FindConfig(ConfigKind kind, std::string_view field,
                                                  std::string_view value) = 0;
  // Looks at a bounded number of records: where conditions together have no index, a page may be
  // short or empty and still have a next one. kInvalidArgument for a field that is not declared.
  virtual absl::StatusOr<Page<ConfigRecord>> ListConfig(const ConfigQuery& query,
                                                        const PageRequest& page) = 0;
  // The changes of a scope since its revision was `since`, as of one instant.
  virtual absl::StatusOr<ConfigChanges> ConfigChangesSince(std::string_view scope,
                                                           uint64_t since) = 0;

  // Single objects: kNotFound when the id is unknown or belongs to another project.
  virtual absl::StatusOr<Event> GetEvent(std::string_view project_id, std::string_view id) = 0;
  virtual absl::StatusOr<Delivery> GetDelivery(std::string_view project_id,
                                               std::string_view id) = 0;
  virtual absl::StatusOr<Attempt> GetAttempt(std::string_view project_id,
                                             std::string_view delivery_id, std::string_view id) = 0;
  // All attempts of a delivery, oldest first.
  virtual absl::StatusOr<std::vector<Attempt>> ListAttempts(std::string_view project_id,
                                                            std::string_view delivery_id) = 0;

  virtual absl::StatusOr<Page<Event>> ListEvents(const EventQuery& query,
                                                 const PageRequest& page) = 0;
  virtual absl::StatusOr<Page<Delivery>> ListDeliveries(const DeliveryQuery& query,
                                                        const PageRequest& page) = 0;

  // Held inputs: without what has expired as of `now`.
  virtual absl::StatusOr<HeldInput> GetHeld(std::string_view project_id, std::string_view id,
                                            absl::Time now) = 0;
  virtual absl::StatusOr<Page<HeldInput>> ListHeld(const HeldQuery& query,
                                                   const PageRequest& page) = 0;
  // Among the oldest kListRowsMax of the project.
  virtual absl::StatusOr<uint64_t> CountHeld(const HeldQuery& query) = 0;
  // Of all projects, with what has expired and is not removed yet. Cheap.
  virtual absl::StatusOr<HeldUse> ReadHeldUse() = 0;

  // The backlogs of projects that have any, in no order. What it costs does not grow with the
  // number of deliveries.
  virtual absl::StatusOr<std::vector<Backlog>> ListBacklogs() = 0;

  // Removes a bounded piece of what has outlived its time, all of it or, on failure, nothing.
  // Several may prune one store at once. A key outlives its event. Need not be durable: what comes
  // back in a crash is pruned again.
  virtual absl::StatusOr<Pruned> Prune(const PruneRequest& request) = 0;

  // OK when a write would succeed now (for readiness probes). May write to find out.
  virtual absl::Status CheckWritable() = 0;

  // kDataLoss once writes fail until the store is opened anew (for liveness probes). Cheap.
  virtual absl::Status CheckAlive() { return absl::OkStatus(); }
};

}  // namespace convoy
