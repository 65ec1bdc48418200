// Rules of writes that all stores share: the texts of refusals and the states that writes lead to.
#pragma once

#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "convoy/storage.h"

namespace convoy::storage {

absl::Status NotHeld();  // of a release
absl::Status NotAnId(std::string_view id);
absl::Status IdTaken(std::string_view id);
absl::Status NoKeyLeft(std::string_view id);
absl::Status NotACursor();

// Whether everything that the batch brings has an id that a key can be made of.
absl::Status CheckIds(const WriteBatch& batch);

// How many keys are tried for an id whose own key is taken. Two makers of ids have the same one
// once in two million ids of a millisecond.
inline constexpr int kKeyShiftsMax = 64;

// How many expired held inputs, earliest expiry first, every hold takes away with it.
inline constexpr int kExpiredInputsPerWrite = 16;

// How many held inputs every hold takes away at most to keep to a HeldUse.
inline constexpr int kHeldRemovedPerWrite = 16;

// Bytes of one held input in HeldUse::bytes.
uint64_t HeldBytes(const HeldInput& input);

// Whether `use` is beyond `most`, where 0 is no bound.
bool IsOver(const HeldUse& use, const HeldUse& most);

// Success, failure or discarded: nothing more will happen by itself.
bool IsFinal(DeliveryStatus status);

// State to which a claimed delivery returns when its claim is given up: untried ones are scheduled,
// others wait for their retry.
DeliveryStatus StatusBeforeClaim(const Delivery& delivery);

// Ends a claim without an outcome: its lease has ended, or its opener. A delivery is scheduled
// again, except in the mode at_most_once: it may have been sent, so it ends as a failure. Returns
// whether it is scheduled.
bool EndClaim(Delivery& delivery);
inline constexpr std::string_view kUnknownArrival = "it is not known whether it arrived";

// A clock that was set back by more than this makes deliveries wait for longer than they were to.
inline constexpr absl::Duration kClockTolerance = absl::Seconds(1);
// When an unclaimed delivery is due once the clock was set back to `now`: after the wait that it
// was given, counted from now. nullopt if that is no change. A scheduled one has no wait.
std::optional<absl::Time> DueAfterClockStep(DeliveryStatus status, absl::Time due_at,
                                            absl::Time updated_at, absl::Time now);

// Turns a submission into the record of a duplicate: kept, and not delivered.
void MarkDuplicate(Submission& submission);

// The rows of events that have gone.
uint64_t RowsOf(const Pruned& pruned);

// Puts a delivery back on schedule. Its tries begin anew: an operator asked for it.
void Requeue(Delivery& delivery, absl::Time due_at);

// How many deliveries of an endpoint a claim may hand out.
size_t ItemsMaxOf(const ClaimRequest& request, const std::string& endpoint_id);

}  // namespace convoy::storage
