// Fetcher of what the gateway needs for itself, beside deliveries: the keys that providers publish,
// the links that confirm a subscription, and what an operator wants tried. Every request goes
// through the guarded transport, and only to hosts that a preset, the operator's own scheme or the
// operator names.
//
// Any thread may ask for a fetch; the driver of the gateway performs it, in Step.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

#include "convoy/clock.h"
#include "convoy/observer.h"
#include "convoy/transport.h"
#include "lib/verify/key_source.h"

namespace convoy::fetch {

// Lifetimes and limits. Providers rotate keys over days and publish the new one in advance.
struct FetcherOptions {
  absl::Duration fresh = absl::Hours(1);       // then it is fetched again, and used meanwhile
  absl::Duration stale_max = absl::Hours(24);  // then it is no longer used
  absl::Duration retry = absl::Seconds(10);    // after a failure, and between looks for a new key
  // An unverified request may name the URL of its key. A URL that was never fetched with success is
  // tried this rarely, and only so many of them are kept of one owner: a sender of invented URLs
  // causes at most about two exchanges a second, all with the hosts that presets pin, and holds off
  // no other owner. A URL that stands in the scheme is not invented and always finds room.
  absl::Duration unproven_retry = absl::Seconds(30);
  size_t unproven_per_owner_max = 64;
  absl::Duration timeout = absl::Seconds(10);  // of one exchange
  size_t documents_max = 1024;
  size_t document_bytes_max = 256 * 1024;
  size_t visits_max = 64;     // waiting at once
  size_t exchanges_max = 16;  // that have not ended
};

// Its dependencies must outlive it. Only the driver calls Step and Cancel; the other functions may
// be called from any thread.
class Fetcher final : public verify::KeySource, public std::enable_shared_from_this<Fetcher> {
 public:
  Fetcher(FetcherOptions options, Transport* transport, Clock* clock, Observer* observer);

  // Called whenever Step has something to do. Set before the first use.
  void set_wake(std::function<void()> wake) { wake_ = std::move(wake); }

  std::shared_ptr<const verify::PublicKeySet> Find(const verify::KeyLocation& location,
                                                   std::string_view url,
                                                   std::string_view key_id) override;

  std::shared_ptr<verify::KeySource> ForOwner(std::string_view owner) override;

  // Queues one GET of a URL that its provider gave to confirm something. Not durable: the provider
  // repeats the request for confirmation. False if too many are waiting.
  bool Visit(std::string url);

  // Queues one request for a caller that wants the answer. `done` runs once, on the driver's
  // thread. False if too many have not ended; then it does not run.
  bool Exchange(OutgoingRequest request, SendCompletion done);

  // Starts the queued fetches. Completions run inside the transport's Step.
  void Step();

 private:
  struct Document {
    std::shared_ptr<const verify::PublicKeySet> keys;  // null until the first success
    absl::Time fetched_at = absl::InfinitePast();
    absl::Time asked_at = absl::InfinitePast();
    bool is_in_flight = false;
    std::string owner;      // that asked first
    bool is_named = false;  // by a request, instead of by the scheme
  };
  class OwnedKeys;
  struct WantedExchange {
    OutgoingRequest request;
    SendCompletion done;
  };
  struct KeyRequest {
    std::string id;  // of the document
    verify::KeyLocation location;
    std::string url;
  };

  std::shared_ptr<const verify::PublicKeySet> FindFor(const std::string& owner,
                                                      const verify::KeyLocation& location,
                                                      std::string_view url,
                                                      std::string_view key_id);
  bool MakeRoom(const std::string& owner, bool is_named, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  size_t CountUnproven(const std::string& owner) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Gives up an unproven URL of the owner that has the most of them. False: there is none.
  bool EvictUnproven() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  OutgoingRequest MakeRequest(const std::string& url) const;
  void OnExchanged();
  void Keep(const KeyRequest& request, const TransportResult& result);
  void Report(std::string_view event, std::string_view url, std::string_view why) const;

  const FetcherOptions options_;
  Transport* const transport_;
  Clock* const clock_;
  Observer* const observer_;
  std::function<void()> wake_ = [] {};

  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, Document> documents_ ABSL_GUARDED_BY(mutex_);  // by IdOf
  std::vector<KeyRequest> wanted_keys_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> wanted_visits_ ABSL_GUARDED_BY(mutex_);
  std::vector<WantedExchange> wanted_exchanges_ ABSL_GUARDED_BY(mutex_);
  size_t exchanges_count_ ABSL_GUARDED_BY(mutex_) = 0;  // that have not ended
};

}  // namespace convoy::fetch
