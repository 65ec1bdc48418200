// Session credentials of a role; see web_identity.h.
#include "lib/broker/sqs/web_identity.h"

#include <fstream>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"

#include "lib/base/status_macros.h"
#include "lib/broker/sqs/sts_protocol.h"

namespace convoy::broker {
namespace {

constexpr absl::Duration kFetchTimeout = absl::Seconds(4);
// Margin before the end of a session: for requests in flight, for clocks that differ, and for a
// service that is unavailable.
constexpr absl::Duration kRenewalMargin = absl::Minutes(5);
// Pause between two fetches, with and without a session, whatever their result.
constexpr absl::Duration kRenewalPause = absl::Seconds(30);
constexpr absl::Duration kRetryPause = absl::Seconds(5);

absl::StatusOr<std::string> ReadToken(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string token(kWebIdentityTokenBytesMax + 1, '\0');
  file.read(token.data(), static_cast<std::streamsize>(token.size()));
  if (!file.is_open() || file.bad()) {
    return absl::UnauthenticatedError("the file of the web identity token cannot be read");
  }
  token.resize(static_cast<size_t>(file.gcount()));
  if (token.size() > kWebIdentityTokenBytesMax) {
    return absl::UnauthenticatedError("the file of the web identity token is too large for one");
  }
  absl::StripAsciiWhitespace(&token);
  if (token.empty()) {
    return absl::UnauthenticatedError("the file of the web identity token is empty");
  }
  return token;
}

class WebIdentity final : public Credentials {
 public:
  WebIdentity(StsRequests requests, std::string token_file)
      : requests_(std::move(requests)), token_file_(std::move(token_file)) {}

  absl::StatusOr<AwsKeys> Keys(HttpCaller& caller, Clock& clock) override;
  void Discard(const AwsKeys& keys) override;

 private:
  absl::StatusOr<AwsSession> Fetch(HttpCaller& caller) const;
  bool HasSession(absl::Time now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return session_.has_value() && now < session_->expires_at;
  }
  bool IsDue(absl::Time now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Take(absl::StatusOr<AwsSession> fetched, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const StsRequests requests_;
  const std::string token_file_;
  absl::Mutex mutex_;
  bool is_fetching_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<AwsSession> session_ ABSL_GUARDED_BY(mutex_);
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);  // why there is no session, or no newer one
  absl::Time fetched_at_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();  // or tried to
};

bool WebIdentity::IsDue(absl::Time now) const {
  if (now < fetched_at_) return true;  // the clock was set back: the expiry cannot be trusted
  const bool has_session = HasSession(now);
  if (now < fetched_at_ + (has_session ? kRenewalPause : kRetryPause)) return false;
  return !has_session || now >= session_->expires_at - kRenewalMargin;
}

absl::StatusOr<AwsKeys> WebIdentity::Keys(HttpCaller& caller, Clock& clock) {
  absl::MutexLock lock(&mutex_);
  if (!HasSession(clock.Now())) {
    // One thread fetches for all; the others wait.
    mutex_.Await(absl::Condition(
        +[](bool* is_fetching) { return !*is_fetching; }, &is_fetching_));
  }
  if (IsDue(clock.Now()) && !is_fetching_) {
    is_fetching_ = true;
    mutex_.Unlock();
    absl::StatusOr<AwsSession> fetched = Fetch(caller);
    mutex_.Lock();
    is_fetching_ = false;
    Take(std::move(fetched), clock.Now());
  }
  if (HasSession(clock.Now())) return session_->keys;
  return failure_;
}

void WebIdentity::Take(absl::StatusOr<AwsSession> fetched, absl::Time now) {
  fetched_at_ = now;
  if (!fetched.ok()) {
    failure_ = fetched.status();
    return;
  }
  session_ = *std::move(fetched);
  failure_ = absl::UnauthenticatedError(
      "the session of the web identity is over at once: is the clock of this machine right?");
}

void WebIdentity::Discard(const AwsKeys& keys) {
  absl::MutexLock lock(&mutex_);
  if (!session_.has_value() || session_->keys.access_key_id != keys.access_key_id) return;
  session_.reset();
  failure_ = absl::UnauthenticatedError(
      "the service does not accept the session of the web identity; another is fetched");
}

absl::StatusOr<AwsSession> WebIdentity::Fetch(HttpCaller& caller) const {
  CONVOY_ASSIGN_OR_RETURN(const std::string token, ReadToken(token_file_));
  const auto call = caller.Start(requests_.AssumeRole(token, kFetchTimeout));
  if (!caller.Wait([&] { return call->result.has_value(); }, absl::InfiniteDuration(),
                   HttpCaller::OnInterrupt::kHurry)) {
    return absl::UnavailableError("the request for a session was given up");
  }
  return ReadAssumedRole(*call->result);
}

}  // namespace

absl::StatusOr<std::shared_ptr<Credentials>> NewWebIdentity(const AwsWebIdentity& identity) {
  CONVOY_ASSIGN_OR_RETURN(StsRequests requests, StsRequests::Make(identity));
  return std::make_shared<WebIdentity>(std::move(requests), identity.token_file);
}

}  // namespace convoy::broker
