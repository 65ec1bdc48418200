// Storage: the durable memory of a gateway, as an interface for other implementations.
//
// Writing has two steps: Write takes several batches and makes each of them atomic and visible;
// Sync makes all written batches durable. The two may run at the same time. Reading is a set of
// typed queries. ClaimDue hands out work under leases, so several processes may share one store,
// and the work of a process that died is taken over.
//
// Implementations must be safe to call from any thread and pass the conformance suite
// (convoy/testing/storage_conformance.h). Instants are kept with microsecond resolution.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/config.h"
#include "convoy/lane.h"
#include "convoy/model.h"
#include "convoy/storage/claims.h"
#include "convoy/storage/queries.h"
#include "convoy/storage/retention.h"
#include "convoy/storage/writes.h"

namespace convoy {

class Storage {
 public:
  virtual ~Storage() = default;

  // The kind of store, e.g. "sqlite". Stable.
  virtual std::string_view name() const = 0;

  // Applies `batches` in order, each of them whole or not at all. A batch that fails (kAborted for
  // a revision that moved, kAlreadyExists for a taken name or mask, kNotFound for the release of an
  // input that is not held) changes nothing and does not affect the others; its result says so.
  // `results` has the size of `batches`. The returned status concerns all of them: if it is not OK,
  // nothing at all was written, or, for kDataLoss, it is unknown what was written, and every later
  // Write returns the same until the store is opened again. The batches are consumed (bodies may be
  // moved from) unless the call fails.
  virtual absl::Status Write(std::span<WriteBatch* const> batches,
                             std::span<CommitResult> results) = 0;

  // Makes all earlier writes of this opener durable, and the writes of other openers that they
  // build on. May run while another thread writes. A store whose writes are durable when Write
  // returns, or that is never durable, need not do anything. If it fails (kDataLoss), it is unknown
  // which writes since the last successful Sync are durable, and every later Write fails.
  virtual absl::Status Sync() { return absl::OkStatus(); }

  // Write and Sync. A caller must not act on the results of a Write before a Sync has succeeded.
  absl::Status Commit(std::span<WriteBatch* const> batches, std::span<CommitResult> results) {
    absl::Status status = Write(batches, results);
    return status.ok() ? Sync() : status;
  }

  // Whether other openers may add work without notice. Then the caller should claim at intervals,
  // even if no work was due.
  virtual bool may_be_shared() const { return false; }

  // Hands out deliveries that are due, each at most once until its lease ends. A delivery whose
  // lease has ended is due again, except in the mode at_most_once: it may have been sent, and ends
  // as a failure. Endpoints take turns; within one, the delivery that has been due for longest
  // comes first. Its status becomes kProcessing.
  //
  // A lane is the traffic of one endpoint. The store hands out as many deliveries of a lane as its
  // policy allows, counting those handed out by all openers. A lane may be closed: by its rate
  // limit, or because it is paused or disabled. Until it opens, its deliveries are not due, and
  // stay as they are. A change of the endpoint's record opens the lane, so that the new policy
  // applies at once. No lane stays closed for longer than kLaneClosureMax without another look at
  // its policy.
  //
  // A delivery may be sent only when it is durable, that is, after a Sync that begins after the
  // claim, unless Claim::needs_sync is false. The claim itself must be durable in the mode
  // at_most_once, where it records that the delivery is about to be sent. The same holds for the
  // outcome after which a lane with is_fifo goes on to its next delivery. In all other cases a
  // claim that is lost in a crash is made again.
  virtual absl::StatusOr<Claim> ClaimDue(const ClaimRequest& request) = 0;

  // If one of several openers of a store dies, its leases end when the store is opened again, or
  // within seconds (of `now`) when another opener claims. An opener that is alive but silent keeps
  // its claims until their leases end.

  // Ends every lease of this opener, as if they had run out, so that a clean shutdown delays no
  // delivery.
  virtual absl::Status ReleaseClaims() = 0;

  // The instant until which a lane with deliveries that are due by `now` is closed (by any opener);
  // InfinitePast if no delivery is held back.
  virtual absl::StatusOr<absl::Time> LaneClosedUntil(const LaneName& lane, absl::Time now) = 0;

  // The revision of a scope, 0 when nothing was ever written to it.
  virtual absl::StatusOr<uint64_t> ConfigRevision(std::string_view scope) = 0;

  // A number that changes with every change of configuration: at once for a change by this opener,
  // within a second after it is durable for a change by another one. Cheap.
  virtual absl::StatusOr<uint64_t> ConfigGeneration() = 0;

  // Configuration as records; config_read.h reads it as objects. kNotFound when the id is unknown
  // or belongs to another project, or when no record has the value in its unique field.
  virtual absl::StatusOr<ConfigRecord> GetConfig(ConfigKind kind, std::string_view project_id,
                                                 std::string_view id) = 0;
  virtual absl::StatusOr<ConfigRecord> FindConfig(ConfigKind kind, std::string_view field,
                                                  std::string_view value) = 0;
  // Looks at a bounded number of records. If no index covers the conditions together, a page may be
  // short or empty although there is a next one. kInvalidArgument for a field that is not declared.
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

  // Held inputs, without those that have expired by `now`.
  virtual absl::StatusOr<HeldInput> GetHeld(std::string_view project_id, std::string_view id,
                                            absl::Time now) = 0;
  virtual absl::StatusOr<Page<HeldInput>> ListHeld(const HeldQuery& query,
                                                   const PageRequest& page) = 0;
  // Counts among the oldest kHeldCountMax of the project.
  virtual absl::StatusOr<uint64_t> CountHeld(const HeldQuery& query) = 0;
  // Held inputs of all projects, with those that have expired but are not removed yet. Cheap.
  virtual absl::StatusOr<HeldUse> ReadHeldUse() = 0;

  // The backlogs of all projects that have one, in no order. The cost does not grow with the number
  // of deliveries.
  virtual absl::StatusOr<std::vector<Backlog>> ListBacklogs() = 0;

  // Removes a bounded number of expired rows; on failure, none. Several openers may prune one store
  // at once. A dedupe key outlives its event. Need not be durable: rows that come back after a
  // crash are pruned again.
  virtual absl::StatusOr<Pruned> Prune(const PruneRequest& request) = 0;

  // OK when a write would succeed now (for readiness probes). May write to find out.
  virtual absl::Status CheckWritable() = 0;

  // kDataLoss once writes fail until the store is opened anew (for liveness probes). Cheap.
  virtual absl::Status CheckAlive() { return absl::OkStatus(); }
};

}  // namespace convoy
