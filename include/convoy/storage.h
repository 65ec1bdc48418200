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
