// Access tokens of endpoints that want OAuth 2.0: fetched when a request needs one, kept in the
// memory of this process, and renewed before they end. However many requests wait for a token, it
// is fetched once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"

#include "convoy/clock.h"
#include "convoy/model.h"
#include "convoy/transport.h"
#include "lib/base/ulid.h"

namespace convoy::fetch {

struct AccessTokenOptions {
  // Of a fetch; it takes half the time of the request that asked for it at most, so that the
  // request itself has the other half.
  absl::Duration timeout_max = absl::Seconds(10);
  // A token is renewed, and used meanwhile, in the last fifth of its life, a minute at most.
  absl::Duration renew_before_max = absl::Minutes(1);
  // After a renewal that failed, while the old token is good.
  absl::Duration retry = absl::Seconds(5);
  // The age at which a token is dropped at a 401 although the one before it was, too.
  absl::Duration drop_again = absl::Minutes(1);
  size_t endpoints_max = 16 * 1024;  // whose tokens are kept
};

// All calls come from the thread that steps the transport. Its dependencies must outlive it, and it
// must outlive every exchange that it has started.
class AccessTokens {
 public:
  AccessTokens(AccessTokenOptions options, Transport* transport, Clock* clock,
               base::UlidGenerator* ulids);
  ~AccessTokens();

  // As Transport::Send, with "Authorization" set to a token for `auth`, which is the endpoint's
  // setting now. If there is none, nothing is sent and the outcome is kNoAccessToken; a transport
  // that is cancelled or lacks resources says so as ever. The time that the request waits counts
  // towards its timeout and its elapsed time.
  //
  // After a 401 the token is dropped, so that the next request fetches another; until an
  // endpoint answers otherwise only tokens that are older than `drop_again` are, so that one that
  // always says 401 does not make each delivery two.
  void Send(const std::string& endpoint_id, const OAuth2Auth& auth, OutgoingRequest request,
            SendCompletion done);

 private:
  struct Entry;
  struct Waiter;

  std::shared_ptr<Entry> FindEntry(const std::string& endpoint_id, const OAuth2Auth& auth);
  void MakeRoom();
  void StartFetch(const std::shared_ptr<Entry>& entry, absl::Duration timeout);
  bool OnFetched(Entry& entry, const TransportResult& result);
  void SendWith(const std::shared_ptr<Entry>& entry, Waiter waiter);
  void OnAnswer(Entry& entry, uint64_t generation, int http_status) const;

  const AccessTokenOptions options_;
  Transport* const transport_;
  Clock* const clock_;
  base::UlidGenerator* const ulids_;
  // By endpoint. One with changed settings gets a new entry; the old one lives on as long as
  // requests wait for its fetch.
  absl::flat_hash_map<std::string, std::shared_ptr<Entry>> entries_;
};

}  // namespace convoy::fetch
