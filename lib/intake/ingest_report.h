// Reports of requests to ingest links that were not taken as they came: typed reasons in the log
// and in counts.
//
// A stranger can send requests without end, so the log has one line for a source and a reason in an
// interval; what came meanwhile is in the count of the next one. Counts are complete.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

#include "convoy/clock.h"
#include "convoy/host_outcome.h"
#include "convoy/observer.h"

namespace convoy::intake {

// Why a request is refused beyond what its verifier says of it (VerifyReasonName). Names are
// permanent; docs/verification.md explains them.
namespace ingest_refusal {
inline constexpr std::string_view kUnknownLink = "unknown_link";
inline constexpr std::string_view kMethodNotAllowed = "method_not_allowed";
inline constexpr std::string_view kTooLarge = "too_large";
inline constexpr std::string_view kMalformedRequest = "malformed_request";
inline constexpr std::string_view kTooManyHeaders = "too_many_headers";
inline constexpr std::string_view kSourceDisabled = "source_disabled";
inline constexpr std::string_view kSourceUnusable = "source_unusable";
inline constexpr std::string_view kMissingEventType = "missing_event_type";
inline constexpr std::string_view kMissingIdempotencyKey = "missing_idempotency_key";
inline constexpr std::string_view kUnreadableBody = "unreadable_body";
inline constexpr std::string_view kTooManyJobs = "too_many_jobs";
inline constexpr std::string_view kFunctionFailed = "function_failed";
inline constexpr std::string_view kLoop = "loop";
}  // namespace ingest_refusal

// A status that carries such a reason, which must be one of the constants.
absl::Status RefuseIngest(absl::StatusCode code, std::string_view reason, std::string_view message);
// The reason of a status, or "" if it has none.
std::string IngestReasonOf(const absl::Status& status);

// One thing to tell.
struct IngestNotice {
  LogLevel level = LogLevel::kInfo;
  std::string_view event;  // of the log line, a constant
  std::string_view source_id;
  std::string_view scheme;
  std::string_view reason;
  std::string_view detail;  // names a limit, a setting or a place; never a secret
};

// Safe to use from any thread. Tells what it has not told yet when it goes.
class IngestReport {
 public:
  using Counts = std::map<std::string, uint64_t>;  // by reason

  // `observer` may be null. Both must outlive it.
  IngestReport(Clock* clock, Observer* observer) : clock_(clock), observer_(observer) {}
  ~IngestReport();

  // Called with each line about refusals that is logged; quick. Set once, before use.
  void set_tell(std::function<void(HostOutcome)> tell) { tell_ = std::move(tell); }

  void Refused(const IngestNotice& notice);
  // Accepted although the source would have it otherwise: an unverified request that is observed,
  // a missing idempotency key, a body that cannot be looked into.
  void Accepted(const IngestNotice& notice);

  // Logs what has been held back longer than an interval.
  void Flush();

  Counts refused_counts() const;
  Counts accepted_counts() const;

 private:
  static constexpr absl::Duration kInterval = absl::Minutes(1);
  static constexpr size_t kEntriesMax = 1024;

  struct Entry {
    LogLevel level;
    std::string event;
    std::string source_id;
    std::string scheme;
    std::string reason;
    std::string detail;
    bool is_refusal = false;
    absl::Time told_at;
    uint64_t untold_count = 0;
  };

  void Tell(const IngestNotice& notice, bool is_refusal);
  // Moves what is over into `out`; all of it if `is_end`.
  void Collect(absl::Time now, bool is_end, std::vector<Entry>* out)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Log(const Entry& entry) const;

  Clock* const clock_;
  Observer* const observer_;
  std::function<void(HostOutcome)> tell_;
  mutable absl::Mutex mutex_;
  Counts refused_counts_ ABSL_GUARDED_BY(mutex_);
  Counts accepted_counts_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  absl::Time collected_at_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

}  // namespace convoy::intake
