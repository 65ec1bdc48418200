// A completion never runs within Send: what waits is ended by the exchange that it waits for.
#include "lib/fetch/access_tokens.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/text.h"
#include "lib/fetch/token_request.h"

namespace convoy::fetch {

struct AccessTokens::Waiter {
  OutgoingRequest request;
  SendCompletion done;
  absl::Time since;
};

struct AccessTokens::Entry {
  OAuth2Auth auth;
  std::string authorization;  // empty: there is no token
  absl::Time fetched_at, renew_at, expires_at;
  absl::Time retry_at = absl::InfinitePast();  // of a renewal
  uint64_t generation = 0;                     // of the token
  bool is_fetching = false;
  bool may_drop = true;  // at a 401, whatever its age
  std::vector<Waiter> waiting;

  // A clock that was set back behind the fetch says nothing of the token's end.
  bool is_usable(absl::Time now) const {
    return !authorization.empty() && now >= fetched_at && now < expires_at;
  }
};

AccessTokens::AccessTokens(AccessTokenOptions options, Transport* transport, Clock* clock,
                           base::UlidGenerator* ulids)
    : options_(options), transport_(transport), clock_(clock), ulids_(ulids) {}

AccessTokens::~AccessTokens() = default;

void AccessTokens::Send(const std::string& endpoint_id, const OAuth2Auth& auth,
                        OutgoingRequest request, SendCompletion done) {
  const std::shared_ptr<Entry> entry = FindEntry(endpoint_id, auth);
  const absl::Time now = clock_->Now();
  const absl::Duration timeout = std::min(options_.timeout_max, request.timeout / 2);
  const bool is_usable = entry->is_usable(now);
  const bool is_wanted = !is_usable || (now >= entry->renew_at && now >= entry->retry_at);
  Waiter waiter = {.request = std::move(request), .done = std::move(done), .since = now};
  if (is_usable) {
    SendWith(entry, std::move(waiter));
  } else {
    entry->waiting.push_back(std::move(waiter));
  }
  if (is_wanted && !entry->is_fetching) StartFetch(entry, timeout);
}

std::shared_ptr<AccessTokens::Entry> AccessTokens::FindEntry(const std::string& endpoint_id,
                                                             const OAuth2Auth& auth) {
  const auto known = entries_.find(endpoint_id);
  if (known != entries_.end() && known->second->auth == auth) return known->second;
  if (known == entries_.end()) MakeRoom();
  auto entry = std::make_shared<Entry>();
  entry->auth = auth;
  entries_[endpoint_id] = entry;
  return entry;
}

void AccessTokens::MakeRoom() {
  if (entries_.size() < options_.endpoints_max) return;
  const absl::Time now = clock_->Now();
  absl::erase_if(entries_, [now](const auto& each) { return !each.second->is_usable(now); });
  if (entries_.size() >= options_.endpoints_max) entries_.erase(entries_.begin());
}

void AccessTokens::StartFetch(const std::shared_ptr<Entry>& entry, absl::Duration timeout) {
  entry->is_fetching = true;
  auto request = MakeTokenRequest(entry->auth, ulids_->Next(), clock_->Now());
  if (!request.ok()) {
    // A request without a URL comes back in the transport's next step, where it can be told.
    return transport_->Send({}, [this, entry, why = std::string(request.status().message())](
                                    const TransportResult& result) {
      OnFetched(*entry, {.outcome = result.outcome, .error = why});
    });
  }
  request->timeout = timeout;
  transport_->Send(*std::move(request), [this, entry](const TransportResult& result) {
    if (!OnFetched(*entry, result)) return;
    for (Waiter& waiter : std::exchange(entry->waiting, {})) SendWith(entry, std::move(waiter));
  });
}

// Takes the token in. False if there is none: then those that waited have ended.
bool AccessTokens::OnFetched(Entry& entry, const TransportResult& result) {
  const absl::Time now = clock_->Now();
  entry.is_fetching = false;
  const auto token = ReadTokenAnswer(entry.auth, result, now);
  if (token.ok()) {
    entry.authorization = token->authorization();
    entry.fetched_at = now;
    entry.expires_at = now + token->lifetime;
    entry.renew_at = entry.expires_at - std::min(token->lifetime / 5, options_.renew_before_max);
    ++entry.generation;
    return true;
  }
  entry.retry_at = now + options_.retry;
  const bool is_own = result.outcome == TransportOutcome::kCancelled ||
                      result.outcome == TransportOutcome::kLocalFailure;
  const std::string_view url = std::string_view(entry.auth.url);
  const std::string error =
      is_own ? std::string(token.status().message())
             : absl::StrCat("no access token from ", url.substr(0, url.find_first_of("?#")), ": ",
                            token.status().message());
  for (Waiter& waiter : std::exchange(entry.waiting, {})) {
    waiter.done({.outcome = is_own ? result.outcome : TransportOutcome::kNoAccessToken,
                 .error = error,
                 .may_have_arrived = false,
                 .elapsed = std::max(now - waiter.since, absl::ZeroDuration())});
  }
  return false;
}

void AccessTokens::SendWith(const std::shared_ptr<Entry>& entry, Waiter waiter) {
  const absl::Duration waited =
      std::clamp(clock_->Now() - waiter.since, absl::ZeroDuration(), waiter.request.timeout);
  waiter.request.timeout -= waited;
  Headers& headers = waiter.request.headers;
  std::erase_if(headers, [](const Header& header) {
    return base::EqualsIgnoreCase(header.name, "Authorization");
  });
  headers.push_back({"Authorization", entry->authorization});
  transport_->Send(std::move(waiter.request),
                   [this, entry, waited, generation = entry->generation,
                    done = std::move(waiter.done)](TransportResult result) {
                     OnAnswer(*entry, generation, result.http_status);
                     result.elapsed += waited;
                     done(std::move(result));
                   });
}

void AccessTokens::OnAnswer(Entry& entry, uint64_t generation, int http_status) const {
  if (http_status != 401) {
    if (http_status != 0) entry.may_drop = true;
    return;
  }
  const bool is_old = clock_->Now() - entry.fetched_at > options_.drop_again;
  if (generation != entry.generation || !(entry.may_drop || is_old)) return;
  entry.authorization.clear();
  entry.may_drop = false;
}

}  // namespace convoy::fetch
