// Texts of notifications, and their sending. A message that cannot be delivered is tried twice
// more; one that a receiver refuses for good is tried no further.
#include "lib/dispatch/notifier.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/json/writer.h"

namespace convoy::dispatch {
namespace {

constexpr int kTriesMax = 3;
constexpr size_t kSendingMax = 8;
constexpr absl::Duration kRetryAfter = absl::Seconds(10);  // and six times that
constexpr absl::Duration kTimeout = absl::Seconds(10);
constexpr size_t kNameBytesMax = 200;

// A name of a client's as it may stand in a line: without control characters, and not too long.
std::string InLine(std::string_view name) {
  std::string line(name.substr(0, kNameBytesMax));
  while (line.size() < name.size() && !line.empty() &&
         (static_cast<unsigned char>(name[line.size()]) & 0xC0) == 0x80) {
    line.pop_back();  // no half of a character
  }
  std::replace_if(
      line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return line;
}

std::string ChatJson(std::string_view subject, std::string_view text) {
  json::Writer writer;
  writer.BeginObject().Field("text", absl::StrCat(subject, "\n", text)).EndObject();
  return writer.TakeText();
}

bool IsTaken(const TransportResult& result) {
  return result.outcome == TransportOutcome::kResponse && result.http_status >= 200 &&
         result.http_status < 300;
}

// Whether trying again could help: the receiver has not said that it is the message's fault.
bool MayPass(const TransportResult& result) {
  switch (result.outcome) {
    case TransportOutcome::kDeniedAddress:
    case TransportOutcome::kInvalidUrl:
    case TransportOutcome::kCancelled:
      return false;
    default:
      return result.http_status < 400 || result.http_status == 429 || result.http_status >= 500;
  }
}

}  // namespace

void Notifier::TellDisabled(const Project& project, const Endpoint& endpoint) {
  Add(endpoint,
      absl::StrCat("The endpoint \"", InLine(endpoint.name), "\" of the project \"",
                   InLine(project.name), "\" was disabled"),
      absl::StrCat(
          "Deliveries to it have failed, and no more are sent to it. They wait until it is "
          "activated again. Its id is ",
          endpoint.id, "."));
}

void Notifier::OnFailure(const Project& project, const Endpoint& endpoint,
                         const Subscription& subscription, std::string_view error, absl::Time now) {
  if (!subscription.alert.has_value()) return;
  const AlertConfig& alert = *subscription.alert;
  if (failures_.size() >= kAlertsMax && !failures_.contains(subscription.id)) {
    failures_.erase(failures_.begin());  // any: each of them can be counted anew
  }
  Failures& failures = failures_[subscription.id];
  failures.at.push_back(now);
  while (!failures.at.empty() &&
         (failures.at.size() > alert.count || failures.at.front() <= now - alert.window)) {
    failures.at.pop_front();
  }
  if (failures.at.size() < alert.count || now - failures.told_at < alert.window) return;
  failures.at.clear();
  failures.told_at = now;
  Add(endpoint,
      absl::StrCat("Deliveries to the endpoint \"", InLine(endpoint.name), "\" of the project \"",
                   InLine(project.name), "\" fail"),
      absl::StrCat(alert.count, " attempts of the subscription \"", InLine(subscription.name),
                   "\" have failed within ", absl::FormatDuration(alert.window),
                   ". The last one: ", error, ". The endpoint's id is ", endpoint.id, "."));
}

void Notifier::Add(const Endpoint& endpoint, std::string_view subject, std::string_view text) {
  std::vector<std::shared_ptr<Message>> messages;
  for (const std::string* url : {&endpoint.slack_webhook_url, &endpoint.teams_webhook_url}) {
    if (url->empty()) continue;
    auto message = std::make_shared<Message>();
    message->way = "webhook";
    message->request = {
        .url = *url,
        .headers = {{"Content-Type", "application/json"}},
        .body = std::make_shared<const std::string>(ChatJson(subject, text)),
    };
    messages.push_back(std::move(message));
  }
  if (!options_.mail_server.empty() && IsMailAddress(endpoint.support_email)) {
    auto message = std::make_shared<Message>();
    message->way = "e-mail";
    message->request = {
        .url = options_.mail_server,
        .body = std::make_shared<const std::string>(
            MailTextOf(options_.mail_from, endpoint.support_email, subject, text, clock_.Now())),
        .mail = std::make_shared<const Mail>(Mail{.from = options_.mail_from,
                                                  .recipients = {endpoint.support_email},
                                                  .user = options_.mail_user,
                                                  .password = options_.mail_password})};
    messages.push_back(std::move(message));
  }
  size_t dropped_count = 0;
  {
    absl::MutexLock lock(&mutex_);
    for (std::shared_ptr<Message>& message : messages) {
      message->endpoint_id = endpoint.id;
      message->request.timeout = kTimeout;
      if (waiting_.size() < kNoticesMax) {
        waiting_.push_back(std::move(message));
      } else {
        ++dropped_count;
      }
    }
  }
  if (dropped_count == 0) return;
  const LogField fields[] = {{"endpoint_id", endpoint.id}};
  observer_.Log(LogLevel::kWarning, "a notification was dropped: too many wait", fields);
}

absl::Time Notifier::Step(absl::Time now) {
  std::vector<std::shared_ptr<Message>> due;
  absl::Time next = absl::InfiniteFuture();
  {
    absl::MutexLock lock(&mutex_);
    for (auto message = waiting_.begin(); message != waiting_.end();) {
      const bool is_due = (*message)->due_at <= now;
      // One at a time to an endpoint's people, so that those who do not answer hold no others up.
      if (is_due && sending_to_.size() < kSendingMax &&
          sending_to_.insert((*message)->endpoint_id).second) {
        due.push_back(std::move(*message));
        message = waiting_.erase(message);
        continue;
      }
      if (!is_due) next = std::min(next, (*message)->due_at);
      ++message;
    }
  }
  for (std::shared_ptr<Message>& message : due) Send(std::move(message));
  return next;
}

void Notifier::Send(std::shared_ptr<Message> message) {
  ++message->tries_count;
  OutgoingRequest request = message->request;
  transport_.Send(std::move(request),
                  [this, message](const TransportResult& result) { OnSent(message, result); });
}

void Notifier::OnSent(std::shared_ptr<Message> message, const TransportResult& result) {
  sending_to_.erase(message->endpoint_id);
  if (IsTaken(result)) return;
  if (MayPass(result) && message->tries_count < kTriesMax) {
    const absl::Duration wait = message->tries_count == 1 ? kRetryAfter : 6 * kRetryAfter;
    message->due_at = clock_.SteadyNow() + wait;
    absl::MutexLock lock(&mutex_);
    waiting_.push_back(std::move(message));
    return;
  }
  // The receiver's URL is a secret: it is not told.
  const std::string error = result.outcome == TransportOutcome::kResponse
                                ? absl::StrCat("the answer's status is ", result.http_status)
                                : result.error;
  const LogField fields[] = {
      {"endpoint_id", message->endpoint_id}, {"way", message->way}, {"error", error}};
  observer_.Log(LogLevel::kWarning, "a notification was not delivered", fields);
}

}  // namespace convoy::dispatch
