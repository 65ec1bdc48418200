// E-mails by libcurl; see mail_sender.h. A server that offers TLS is spoken to with TLS, and
// credentials are sent over nothing else.
#include "lib/transport/curl/mail_sender.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace convoy::transport {

struct MailSender::Exchange {
  ~Exchange() {
    curl_easy_cleanup(handle);
    curl_slist_free_all(recipients);
  }

  static size_t OnRead(char* out, size_t size, size_t count, void* self) {
    auto* exchange = static_cast<Exchange*>(self);
    const std::string& text = *exchange->request.body;
    const size_t taken = std::min(size * count, text.size() - exchange->read_count);
    std::memcpy(out, text.data() + exchange->read_count, taken);
    exchange->read_count += taken;
    return taken;
  }
  // Nothing of what a server says in words is kept.
  static size_t OnWrite(char*, size_t size, size_t count, void*) { return size * count; }

  CURL* handle = nullptr;
  curl_slist* recipients = nullptr;
  std::array<char, CURL_ERROR_SIZE> error = {};
  OutgoingRequest request;
  SendCompletion done;
  size_t read_count = 0;
};

MailSender::MailSender(CURLM* multi, std::string ca_file)
    : multi_(multi), ca_file_(std::move(ca_file)) {}

bool MailSender::Has(CURL* handle) const { return running_.contains(handle); }

MailSender::~MailSender() {
  for (auto& [handle, exchange] : running_) curl_multi_remove_handle(multi_, handle);
}

bool MailSender::Prepare(Exchange& exchange, TransportResult* refusal) const {
  const OutgoingRequest& request = exchange.request;
  const Mail& mail = *request.mail;
  if (!absl::StartsWithIgnoreCase(request.url, "smtp://") &&
      !absl::StartsWithIgnoreCase(request.url, "smtps://")) {
    *refusal = {.outcome = TransportOutcome::kInvalidUrl,
                .error = "the mail server's URL is neither smtp nor smtps"};
    return false;
  }
  CURL* const handle = exchange.handle = curl_easy_init();
  for (const std::string& recipient : mail.recipients) {
    exchange.recipients = curl_slist_append(exchange.recipients, recipient.c_str());
  }
  if (handle == nullptr || exchange.recipients == nullptr || request.body == nullptr) {
    *refusal = {.outcome = TransportOutcome::kLocalFailure, .error = "no memory for an e-mail"};
    return false;
  }
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(handle, CURLOPT_PROXY, "");
  curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(handle, CURLOPT_USE_SSL,
                   static_cast<long>(mail.user.empty() ? CURLUSESSL_TRY : CURLUSESSL_ALL));
  if (!ca_file_.empty()) {
    curl_easy_setopt(handle, CURLOPT_CAINFO, ca_file_.c_str());
    curl_easy_setopt(handle, CURLOPT_CAPATH, nullptr);
  }
  if (!mail.user.empty()) {
    curl_easy_setopt(handle, CURLOPT_USERNAME, mail.user.c_str());
    curl_easy_setopt(handle, CURLOPT_PASSWORD, mail.password.c_str());
  }
  curl_easy_setopt(handle, CURLOPT_MAIL_FROM, mail.from.c_str());
  curl_easy_setopt(handle, CURLOPT_MAIL_RCPT, exchange.recipients);
  curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(handle, CURLOPT_READFUNCTION, &Exchange::OnRead);
  curl_easy_setopt(handle, CURLOPT_READDATA, &exchange);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &Exchange::OnWrite);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, exchange.error.data());
  curl_easy_setopt(handle, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(handle, CURLOPT_FORBID_REUSE, 1L);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS,
                   static_cast<long>(absl::ToInt64Milliseconds(request.timeout)));
  return true;
}

bool MailSender::Start(OutgoingRequest& request, SendCompletion& done, TransportResult* refusal) {
  auto exchange = std::make_unique<Exchange>();
  exchange->request = std::move(request);
  if (!Prepare(*exchange, refusal)) return false;
  if (curl_multi_add_handle(multi_, exchange->handle) != CURLM_OK) {
    *refusal = {.outcome = TransportOutcome::kLocalFailure, .error = "no mail can be started"};
    return false;
  }
  exchange->done = std::move(done);
  CURL* const handle = exchange->handle;
  running_.emplace(handle, std::move(exchange));
  return true;
}

void MailSender::Finish(CURL* handle, CURLcode code) {
  const auto found = running_.find(handle);
  const std::unique_ptr<Exchange> exchange = std::move(found->second);
  running_.erase(found);
  TransportResult result;
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  if (code == CURLE_OK) {
    result.outcome = TransportOutcome::kResponse;
    result.http_status = 250;
  } else {
    result.outcome = code == CURLE_OPERATION_TIMEDOUT     ? TransportOutcome::kTimedOut
                     : code == CURLE_COULDNT_RESOLVE_HOST ? TransportOutcome::kNameNotResolved
                     : code == CURLE_COULDNT_CONNECT      ? TransportOutcome::kConnectFailed
                     : code == CURLE_URL_MALFORMAT        ? TransportOutcome::kInvalidUrl
                                                          : TransportOutcome::kProtocolError;
    const std::string detail =
        exchange->error[0] != '\0' ? exchange->error.data() : curl_easy_strerror(code);
    result.error = absl::StrCat("the mail server did not take it: ", detail,
                                status > 0 ? absl::StrCat(" (", status, ")") : "");
  }
  exchange->done(std::move(result));
}

void MailSender::Cancel() {
  auto cancelled = std::move(running_);
  running_.clear();
  for (auto& [handle, exchange] : cancelled) {
    curl_multi_remove_handle(multi_, handle);
    exchange->done({.outcome = TransportOutcome::kCancelled, .error = "the gateway is closing"});
  }
}

}  // namespace convoy::transport
