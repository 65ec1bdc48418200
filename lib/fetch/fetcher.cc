// Fetcher of published keys and confirmation links; see fetcher.h.
#include "lib/fetch/fetcher.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace convoy::fetch {
namespace {

bool HoldsKey(const verify::PublicKeySet& keys, std::string_view id) {
  return id.empty() || std::any_of(keys.begin(), keys.end(), [id](const verify::NamedKey& key) {
           return key.id.empty() || key.id == id;
         });
}

// Two sources may read different keys out of the document of one URL.
std::string IdOf(const verify::KeyLocation& location, std::string_view url) {
  return absl::StrCat(static_cast<int>(location.kind), " ", url, " ", location.path);
}

bool IsSuccess(const TransportResult& result) {
  return result.outcome == TransportOutcome::kResponse && result.http_status >= 200 &&
         result.http_status <= 299;
}

std::string WhyNot(const TransportResult& result) {
  return result.outcome == TransportOutcome::kResponse
             ? absl::StrCat("the answer's status is ", result.http_status)
             : result.error;
}

}  // namespace

Fetcher::Fetcher(FetcherOptions options, Transport* transport, Clock* clock, Observer* observer)
    : options_(options), transport_(transport), clock_(clock), observer_(observer) {}

// The view of one owner.
class Fetcher::OwnedKeys final : public verify::KeySource {
 public:
  OwnedKeys(std::shared_ptr<Fetcher> fetcher, std::string_view owner)
      : fetcher_(std::move(fetcher)), owner_(owner) {}

  std::shared_ptr<const verify::PublicKeySet> Find(const verify::KeyLocation& location,
                                                   std::string_view url,
                                                   std::string_view key_id) override {
    return fetcher_->FindFor(owner_, location, url, key_id);
  }

 private:
  const std::shared_ptr<Fetcher> fetcher_;
  const std::string owner_;
};

std::shared_ptr<verify::KeySource> Fetcher::ForOwner(std::string_view owner) {
  return std::make_shared<OwnedKeys>(shared_from_this(), owner);
}

std::shared_ptr<const verify::PublicKeySet> Fetcher::Find(const verify::KeyLocation& location,
                                                          std::string_view url,
                                                          std::string_view key_id) {
  return FindFor("", location, url, key_id);
}

std::shared_ptr<const verify::PublicKeySet> Fetcher::FindFor(const std::string& owner,
                                                             const verify::KeyLocation& location,
                                                             std::string_view url,
                                                             std::string_view key_id) {
  const absl::Time now = clock_->Now();
  const std::string id = IdOf(location, url);
  std::shared_ptr<const verify::PublicKeySet> found;
  bool is_asked = false;
  {
    absl::MutexLock lock(&mutex_);
    auto known = documents_.find(id);
    if (known == documents_.end()) {
      const bool is_named = url != location.url;
      if (!MakeRoom(owner, is_named, now)) return nullptr;
      known = documents_.try_emplace(id).first;
      known->second.owner = owner;
      known->second.is_named = is_named;
    }
    Document& document = known->second;
    const bool is_usable =
        document.keys != nullptr && now - document.fetched_at < options_.stale_max;
    const bool has_key = is_usable && HoldsKey(*document.keys, key_id);
    const bool is_fresh = is_usable && now - document.fetched_at < options_.fresh;
    if (has_key) found = document.keys;
    const absl::Duration pause =
        document.keys == nullptr ? options_.unproven_retry : options_.retry;
    const bool may_ask = !document.is_in_flight && now - document.asked_at >= pause;
    if ((!has_key || !is_fresh) && may_ask) {
      document.is_in_flight = is_asked = true;
      document.asked_at = now;
      wanted_keys_.push_back({id, location, std::string(url)});
    }
    // A key that a document just fetched does not hold is unknown, not late.
    if (is_usable && !has_key && !document.is_in_flight) found = document.keys;
  }
  if (is_asked) wake_();
  return found;
}

bool Fetcher::MakeRoom(const std::string& owner, bool is_named, absl::Time now) {
  const auto has_room = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return documents_.size() < options_.documents_max &&
           (!is_named || CountUnproven(owner) < options_.unproven_per_owner_max);
  };
  if (has_room()) return true;
  // Failures are evicted once they may be retried, keys once they are too old to be used: asking
  // for other keys cannot evict usable ones.
  absl::erase_if(documents_, [&](const auto& entry) {
    const Document& document = entry.second;
    const bool is_spent = document.keys == nullptr
                              ? now - document.asked_at >= options_.unproven_retry
                              : now - document.fetched_at >= options_.stale_max;
    return is_spent && !document.is_in_flight;
  });
  if (is_named && CountUnproven(owner) >= options_.unproven_per_owner_max) return false;
  return documents_.size() < options_.documents_max || EvictUnproven();
}

size_t Fetcher::CountUnproven(const std::string& owner) const {
  return static_cast<size_t>(std::count_if(documents_.begin(), documents_.end(), [&](auto& entry) {
    const Document& document = entry.second;
    return document.keys == nullptr && document.is_named && document.owner == owner;
  }));
}

bool Fetcher::EvictUnproven() {
  absl::flat_hash_map<std::string_view, size_t> counts;
  const auto is_unproven = [](const Document& document) {
    return document.keys == nullptr && !document.is_in_flight;
  };
  size_t most = 0;
  for (const auto& [id, document] : documents_) {
    if (is_unproven(document)) most = std::max(most, ++counts[document.owner]);
  }
  if (most == 0) return false;
  const auto victim = std::find_if(documents_.begin(), documents_.end(), [&](const auto& entry) {
    return is_unproven(entry.second) && counts[entry.second.owner] == most;
  });
  documents_.erase(victim);
  return true;
}

bool Fetcher::Visit(std::string url) {
  {
    absl::MutexLock lock(&mutex_);
    if (wanted_visits_.size() >= options_.visits_max) return false;
    wanted_visits_.push_back(std::move(url));
  }
  wake_();
  return true;
}

bool Fetcher::Exchange(OutgoingRequest request, SendCompletion done) {
  {
    absl::MutexLock lock(&mutex_);
    if (exchanges_count_ >= options_.exchanges_max) return false;
    ++exchanges_count_;
    wanted_exchanges_.push_back({std::move(request), std::move(done)});
  }
  wake_();
  return true;
}

OutgoingRequest Fetcher::MakeRequest(const std::string& url) const {
  return {.method = "GET",
          .url = url,
          .headers = {{"Accept", "application/json, application/x-pem-file, */*"}},
          .body = std::make_shared<const std::string>(),
          .timeout = options_.timeout,
          .response_bytes_max = options_.document_bytes_max};
}

void Fetcher::Step() {
  std::vector<KeyRequest> keys;
  std::vector<std::string> visits;
  std::vector<WantedExchange> exchanges;
  {
    absl::MutexLock lock(&mutex_);
    keys.swap(wanted_keys_);
    visits.swap(wanted_visits_);
    exchanges.swap(wanted_exchanges_);
  }
  for (KeyRequest& request : keys) {
    OutgoingRequest outgoing = MakeRequest(request.url);
    transport_->Send(std::move(outgoing),
                     [this, request = std::move(request)](const TransportResult& result) {
                       Keep(request, result);
                     });
  }
  for (const std::string& url : visits) {
    transport_->Send(MakeRequest(url), [this, url](const TransportResult& result) {
      if (!IsSuccess(result)) Report("subscription not confirmed", url, WhyNot(result));
    });
  }
  for (WantedExchange& exchange : exchanges) {
    transport_->Send(std::move(exchange.request),
                     [this, done = std::move(exchange.done)](TransportResult result) {
                       OnExchanged();
                       done(std::move(result));
                     });
  }
}

void Fetcher::OnExchanged() {
  absl::MutexLock lock(&mutex_);
  --exchanges_count_;
}

void Fetcher::Keep(const KeyRequest& request, const TransportResult& result) {
  std::string failure;
  std::shared_ptr<const verify::PublicKeySet> keys;
  if (IsSuccess(result)) {
    auto read = verify::ReadKeyDocument(request.location, result.body);
    if (read.ok()) {
      keys = std::make_shared<const verify::PublicKeySet>(*std::move(read));
    } else {
      failure = std::string(read.status().message());
    }
  } else {
    failure = WhyNot(result);
  }
  {
    absl::MutexLock lock(&mutex_);
    Document& document = documents_[request.id];
    document.is_in_flight = false;
    if (keys != nullptr) {
      document.keys = std::move(keys);
      document.fetched_at = clock_->Now();
    }
  }
  if (!failure.empty()) Report("published key not fetched", request.url, failure);
}

// Without the query: a confirmation link is a secret.
void Fetcher::Report(std::string_view event, std::string_view url, std::string_view why) const {
  if (observer_ == nullptr) return;
  const LogField fields[] = {{"url", url.substr(0, url.find('?'))}, {"why", why}};
  observer_->Log(LogLevel::kWarning, event, fields);
}

}  // namespace convoy::fetch
