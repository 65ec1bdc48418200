// Exchanges of the host's transport. Each is known to the host by a number that is used once, so
// nothing that the host does with it can reach memory that is gone.
#include "capi/parts/c_transport.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace convoy::capi {
namespace {

static_assert(static_cast<uint32_t>(TransportOutcome::kResponse) == CONVOY_SENT_RESPONSE);
static_assert(static_cast<uint32_t>(TransportOutcome::kResponseTooLarge) ==
              CONVOY_SENT_RESPONSE_TOO_LARGE);
static_assert(static_cast<uint32_t>(TransportOutcome::kCancelled) == CONVOY_SENT_CANCELLED);
static_assert(static_cast<uint32_t>(TransportOutcome::kLocalFailure) == CONVOY_SENT_LOCAL_FAILURE);

// Outcomes that say by themselves that nothing was sent, whatever `is_unsent` says.
bool IsUnsent(TransportOutcome outcome) {
  return outcome == TransportOutcome::kDeniedAddress || outcome == TransportOutcome::kInvalidUrl ||
         outcome == TransportOutcome::kLocalFailure;
}

TransportResult Broken(std::string_view why) {
  return {.outcome = TransportOutcome::kProtocolError, .error = std::string(why)};
}

}  // namespace

void ResultGate::Open(CTransport* transport) {
  absl::MutexLock lock(&mutex_);
  transport_ = transport;
}

void ResultGate::Close() {
  absl::MutexLock lock(&mutex_);
  transport_ = nullptr;
  mutex_.Await(absl::Condition(
      +[](int* count) { return *count == 0; }, &passing_count_));
}

// Not under the mutex: a result may be followed by the next request.
void ResultGate::Pass(uint64_t exchange, const convoy_sent* sent) {
  CTransport* transport = nullptr;
  {
    absl::MutexLock lock(&mutex_);
    if (transport_ == nullptr) return;
    transport = transport_;
    ++passing_count_;
  }
  // Nothing may pass through the frames of the host's code.
  try {
    transport->Finish(exchange, sent);
  } catch (...) {
  }
  absl::MutexLock lock(&mutex_);
  --passing_count_;
}

// An exchange on its way: the host's view of its request points into this.
struct CTransport::Exchange {
  OutgoingRequest request;
  SendCompletion done;
  std::vector<convoy_header> headers;
  std::vector<convoy_slice> recipients;
  absl::Time started_at;

  convoy_outgoing View() {
    headers = BorrowHeaders(request.headers);
    convoy_outgoing view = {.struct_size = sizeof(convoy_outgoing),
                            .method = SliceOf(request.method),
                            .url = SliceOf(request.url),
                            .headers = headers.data(),
                            .headers_count = headers.size(),
                            .timeout_ms = static_cast<uint64_t>(
                                std::max<int64_t>(absl::ToInt64Milliseconds(request.timeout), 1)),
                            .response_bytes_max = request.response_bytes_max};
    if (request.body != nullptr) view.body = SliceOf(*request.body);
    if (request.tls != nullptr) {
      view.tls_authorities = SliceOf(request.tls->ca_bundle);
      view.tls_certificate = SliceOf(request.tls->client_certificate);
      view.tls_key = SliceOf(request.tls->client_key);
    }
    if (request.mail != nullptr) {
      recipients = BorrowTexts(request.mail->recipients);
      view.mail_from = SliceOf(request.mail->from);
      view.mail_recipients = recipients.data();
      view.mail_recipients_count = recipients.size();
      view.mail_user = SliceOf(request.mail->user);
      view.mail_password = SliceOf(request.mail->password);
    }
    return view;
  }

  convoy_outgoing view = {};
};

CTransport::CTransport(std::shared_ptr<const TransportPart> part, const Engine* engine,
                       ReportDefect report)
    : part_(std::move(part)), table_(**part_), engine_(engine), report_(std::move(report)) {
  part_->gate.Open(this);
  CallPart(engine_, [this] { wake_fd_ = table_.wake_fd(table_.self); });
}

CTransport::~CTransport() {
  Cancel();
  part_->gate.Close();
  part_->is_taken = false;
}

void CTransport::Send(OutgoingRequest request, SendCompletion done) {
  auto exchange =
      std::make_unique<Exchange>(Exchange{.request = std::move(request), .done = std::move(done)});
  exchange->started_at = clock_->SteadyNow();
  exchange->view = exchange->View();
  const convoy_outgoing* const view = &exchange->view;
  const uint64_t number = part_->gate.NextExchange();
  {
    absl::MutexLock lock(&mutex_);
    exchanges_.emplace(number, std::move(exchange));
  }
  ++sends_count_;
  const bool is_called = CallPart(
      engine_, [&] { table_.send(table_.self, view, &CTransport::OnSent, &part_->gate, number); });
  --sends_count_;
  if (is_called) return;
  report_("send threw an exception");
  std::unique_ptr<Exchange> taken = Take(number);
  if (taken == nullptr) return;
  TransportResult result = Broken("the host's transport failed");
  absl::MutexLock lock(&mutex_);
  early_.push_back({std::move(taken), std::move(result)});
}

void CTransport::CallAsOwner(void (*function)(void* self)) {
  owner_ = std::this_thread::get_id();
  if (!CallPart(engine_, [&] { function(table_.self); })) report_("an exception was thrown");
  owner_ = std::thread::id();
  EndEarly();
}

void CTransport::Step() { CallAsOwner(table_.step); }

void CTransport::Cancel() {
  CallAsOwner(table_.cancel);
  absl::flat_hash_map<uint64_t, std::unique_ptr<Exchange>> left;
  {
    absl::MutexLock lock(&mutex_);
    left.swap(exchanges_);
  }
  if (left.empty()) return;
  report_("cancel did not finish every exchange");
  for (auto& [number, exchange] : left) {
    exchange->done({.outcome = TransportOutcome::kCancelled, .error = "cancelled"});
  }
}

void CTransport::EndEarly() {
  std::vector<Ended> ended;
  {
    absl::MutexLock lock(&mutex_);
    ended.swap(early_);
  }
  for (Ended& each : ended) each.exchange->done(std::move(each.result));
}

std::unique_ptr<CTransport::Exchange> CTransport::Take(uint64_t number) {
  absl::MutexLock lock(&mutex_);
  const auto found = exchanges_.find(number);
  if (found == exchanges_.end()) return nullptr;
  std::unique_ptr<Exchange> exchange = std::move(found->second);
  exchanges_.erase(found);
  return exchange;
}

void CTransport::OnSent(void* gate, uint64_t exchange, const convoy_sent* sent) {
  static_cast<ResultGate*>(gate)->Pass(exchange, sent);
}

void CTransport::Finish(uint64_t number, const convoy_sent* sent) {
  std::unique_ptr<Exchange> exchange = Take(number);
  if (exchange == nullptr) return report_("an exchange was finished that was not open");
  TransportResult result = ResultOf(*exchange, sent);
  const bool is_in_turn = owner_.load() == std::this_thread::get_id() && sends_count_ == 0;
  if (is_in_turn) return exchange->done(std::move(result));
  report_("an exchange was finished outside of step and cancel");
  absl::MutexLock lock(&mutex_);
  early_.push_back({std::move(exchange), std::move(result)});
}

TransportResult CTransport::ResultOf(const Exchange& exchange, const convoy_sent* sent) const {
  if (const absl::Status checked = CheckTable(sent, "sent", sizeof(convoy_sent)); !checked.ok()) {
    report_(checked.message());
    return Broken("the host's transport gave no result");
  }
  const convoy_sent given = CopyTable(*sent);
  if (given.outcome > CONVOY_SENT_LOCAL_FAILURE) {
    report_(absl::StrCat("sent.outcome: there is no outcome ", given.outcome));
    return Broken("the host's transport gave no outcome that is known");
  }
  const auto outcome = static_cast<TransportOutcome>(given.outcome);
  TransportResult result = {.outcome = outcome,
                            .http_status = given.http_status,
                            .headers = CopyHeaders(given.headers, given.headers_count),
                            .remote_ip = std::string(TextOf(given.remote_ip)),
                            .error = std::string(TextOf(given.error)),
                            .may_have_arrived = given.is_unsent == 0 && !IsUnsent(outcome)};
  // Of the host's own limits no one knows: the bound holds here, too.
  const std::string_view body = TextOf(given.body);
  result.body = body.substr(0, exchange.request.response_bytes_max);
  if (body.size() > exchange.request.response_bytes_max) {
    report_("sent.body is larger than response_bytes_max");
    result.outcome = TransportOutcome::kResponseTooLarge;
  }
  constexpr uint64_t kDayUs = 24ull * 3600 * 1'000'000;
  result.elapsed =
      given.elapsed_us != 0
          ? absl::Microseconds(static_cast<int64_t>(std::min(given.elapsed_us, kDayUs)))
          : clock_->SteadyNow() - exchange.started_at;
  return result;
}

}  // namespace convoy::capi
