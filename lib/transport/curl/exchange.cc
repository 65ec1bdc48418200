// Options: no redirects, no proxies, no signals, http and https only, and every address is put to
// the guard when its socket is about to be opened. The URL is parsed by the same parser that will
// use it.
//
// One exchange writes its request once. libcurl by itself writes a request again when a kept
// connection is lost, when an HTTP/2 stream is refused, and when a server asks for HTTP/1.1 after
// all; it always asks OnConnected first, which refuses if anything has been written. For the same
// reason a kept connection is looked at there: what is found dead before the request is written
// costs nothing but a new connection.
#include "lib/transport/curl/exchange.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/memory/memory.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "lib/base/text.h"
#include "lib/transport/curl/lazy_timer.h"

namespace convoy::transport {
std::unique_ptr<Exchange> Exchange::New(const Setting* setting, Connections* connections,
                                        CredentialCache* credentials, UrlFactsCache* url_facts) {
  CURL* const handle = curl_easy_init();
  if (handle == nullptr) return nullptr;
  auto exchange =
      absl::WrapUnique(new Exchange(handle, setting, connections, credentials, url_facts));
  exchange->SetConstantOptions();
  return exchange;
}

Exchange::~Exchange() { curl_easy_cleanup(handle_); }

void Exchange::SetConstantOptions() {
  method_.clear();
  curl_easy_setopt(handle_, CURLOPT_POST, 1L);
  curl_easy_setopt(handle_, CURLOPT_PRIVATE, this);
  curl_easy_setopt(handle_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle_, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle_, CURLOPT_PROTOCOLS_STR, "http,https");
  // An empty text keeps libcurl from looking into the environment, in both cases.
  curl_easy_setopt(handle_, CURLOPT_PROXY, setting_->proxy.c_str());
  curl_easy_setopt(handle_, CURLOPT_NOPROXY, "");
  curl_easy_setopt(handle_, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(
      handle_, CURLOPT_HTTP_VERSION,
      static_cast<long>(setting_->has_http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
  if (!setting_->ca_file.empty()) {
    curl_easy_setopt(handle_, CURLOPT_CAINFO, setting_->ca_file.c_str());
    curl_easy_setopt(handle_, CURLOPT_CAPATH, nullptr);
    curl_easy_setopt(handle_, CURLOPT_PROXY_CAINFO, setting_->ca_file.c_str());
    curl_easy_setopt(handle_, CURLOPT_PROXY_CAPATH, nullptr);
  }
  curl_easy_setopt(handle_, CURLOPT_ERRORBUFFER, error_.data());
  const auto set_seconds = [this](CURLoption option, absl::Duration duration) {
    curl_easy_setopt(handle_, option, static_cast<long>(absl::ToInt64Seconds(duration)));
  };
  set_seconds(CURLOPT_MAXAGE_CONN, setting_->connection_idle_max);
  set_seconds(CURLOPT_MAXLIFETIME_CONN, setting_->connection_age_max);
  set_seconds(CURLOPT_DNS_CACHE_TIMEOUT, setting_->name_age_max);
  curl_easy_setopt(handle_, CURLOPT_OPENSOCKETFUNCTION, &Exchange::OpenSocket);
  curl_easy_setopt(handle_, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(handle_, CURLOPT_CLOSESOCKETFUNCTION, &Exchange::CloseSocket);
  curl_easy_setopt(handle_, CURLOPT_CLOSESOCKETDATA, connections_);
  curl_easy_setopt(handle_, CURLOPT_PREREQFUNCTION, &Exchange::OnConnected);
  curl_easy_setopt(handle_, CURLOPT_PREREQDATA, this);
  curl_easy_setopt(handle_, CURLOPT_HEADERFUNCTION, &Exchange::OnHeader);
  curl_easy_setopt(handle_, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(handle_, CURLOPT_WRITEFUNCTION, &Exchange::OnBody);
  curl_easy_setopt(handle_, CURLOPT_WRITEDATA, this);
}

bool Exchange::Prepare(OutgoingRequest request, SendCompletion done, TransportResult* refusal) {
  request_ = std::move(request);
  done_ = std::move(done);
  result_ = {};
  head_ = {};
  facts_ = {};
  facts_.has_proxy = !setting_->proxy.empty();
  facts_.has_tls_proxy = absl::StartsWithIgnoreCase(setting_->proxy, "https://");
  sockets_.clear();
  connection_key_.clear();
  is_stale_ = false;
  error_[0] = '\0';
  if (!SetUrl(refusal) || !SetHeaders(refusal) || !SetCredentials(refusal)) {
    request_ = {};
    return false;
  }
  if (method_ != request_.method) {
    method_ = request_.method;
    curl_easy_setopt(handle_, CURLOPT_CUSTOMREQUEST, method_.c_str());
  }
  const std::string_view body = request_.body == nullptr ? "" : std::string_view(*request_.body);
  curl_easy_setopt(handle_, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(handle_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  // One that is given a connection of its own neither finds one nor leaves one behind.
  const long is_alone = connections_->TakeNeedsOwnConnection(authority_) ? 1 : 0;
  curl_easy_setopt(handle_, CURLOPT_FRESH_CONNECT, is_alone);
  curl_easy_setopt(handle_, CURLOPT_FORBID_REUSE, is_alone);
  facts_.body_bytes_count = body.size();
  facts_.timeout = request_.timeout;
  SetTimeout(request_.timeout);
  return true;
}

void Exchange::SetTimeout(absl::Duration timeout) {
  timeout_ms_ = static_cast<long>(std::max<int64_t>(1, absl::ToInt64Milliseconds(timeout)));
  ends_at_ns_ = MonotonicNanoseconds() + absl::ToInt64Nanoseconds(absl::Milliseconds(timeout_ms_));
  ResumeTimeout();
}

bool Exchange::SuspendTimeout() {
  if (!facts_.has_begun) return false;
  curl_easy_setopt(handle_, CURLOPT_TIMEOUT_MS, 0L);
  return true;
}

void Exchange::ResumeTimeout() { curl_easy_setopt(handle_, CURLOPT_TIMEOUT_MS, timeout_ms_); }

bool Exchange::is_overdue() const { return MonotonicNanoseconds() >= ends_at_ns_; }

bool Exchange::SetUrl(TransportResult* refusal) {
  const UrlFacts& facts = url_facts_->Find(request_.url);
  if (!facts.refusal.empty()) {
    refusal->outcome = facts.outcome;
    refusal->error = facts.refusal;
    return false;
  }
  authority_ = facts.authority;
  url_ = facts.parsed;
  curl_easy_setopt(handle_, CURLOPT_URL, request_.url.c_str());
  curl_easy_setopt(handle_, CURLOPT_CURLU, url_.get());  // spares libcurl to parse it
  return true;
}

bool Exchange::SetCredentials(TransportResult* refusal) {
  if (request_.tls == nullptr || request_.tls->empty()) return true;
  auto credentials = credential_cache_->Find(*request_.tls);
  if (!credentials.ok()) {
    *refusal = {.outcome = TransportOutcome::kLocalFailure,
                .error = std::string(credentials.status().message())};
    return false;
  }
  credentials_ = *std::move(credentials);
  if (credentials_->authorities != nullptr) {
    facts_.has_own_authorities = true;
    curl_easy_setopt(handle_, CURLOPT_CAINFO, credentials_->authorities->path().c_str());
    curl_easy_setopt(handle_, CURLOPT_CAPATH, nullptr);
  }
  if (credentials_->client != nullptr) {
    facts_.has_client_certificate = true;
    curl_easy_setopt(handle_, CURLOPT_SSLCERT, credentials_->client->path().c_str());
  }
  // A session that is resumed is one that was made with a certificate, or without.
  curl_easy_setopt(handle_, CURLOPT_SSL_SESSIONID_CACHE, 0L);
  return true;
}

bool Exchange::SetHeaders(TransportResult* refusal) {
  refusal->outcome = TransportOutcome::kInvalidUrl;
  header_lines_.Clear();
  // Suppresses headers that libcurl would add by itself.
  header_lines_.Add("Expect:");
  header_lines_.Add("Accept:");
  if (!base::FindHeader(request_.headers, "Content-Type").has_value()) {
    header_lines_.Add("Content-Type:");
  }
  for (const Header& header : request_.headers) {
    if (!base::IsHeaderName(header.name) || !base::IsHeaderValue(header.value)) {
      refusal->error = "a header has a name or value that HTTP does not allow";
      return false;
    }
    // "Name;" is libcurl's way of asking for an empty value; with a blank one it drops the header.
    const std::string_view value = absl::StripAsciiWhitespace(header.value);
    if (value.empty()) {
      header_lines_.Add(header.name, ";");
    } else {
      header_lines_.Add(header.name, ": ", value);
    }
  }
  curl_easy_setopt(handle_, CURLOPT_HTTPHEADER, header_lines_.list());
  return true;
}

curl_socket_t Exchange::OpenSocket(void* self, curlsocktype purpose, curl_sockaddr* address) {
  auto* exchange = static_cast<Exchange*>(self);
  const auto ip = IpAddress::FromSocket(&address->addr, address->addrlen);
  const uint16_t port = IpAddress::PortOf(&address->addr, address->addrlen);
  // The proxy's own address is the operator's choice.
  const bool is_proxy = !exchange->setting_->proxy.empty();
  if (purpose != CURLSOCKTYPE_IPCXN || !ip.has_value() ||
      !(is_proxy || exchange->setting_->guard.Allows(*ip, port))) {
    ++exchange->facts_.denied_count;
    return CURL_SOCKET_BAD;
  }
  // Nothing is connected for writing a request once more.
  if (exchange->IsRequestWritten()) {
    exchange->facts_.is_repeat_refused = true;
    return CURL_SOCKET_BAD;
  }
  const int opened = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (opened < 0) {
    exchange->facts_.socket_errno = errno;
    return CURL_SOCKET_BAD;
  }
  ++exchange->facts_.tried_count;
  exchange->sockets_.push_back(opened);
  exchange->connections_->Watch(opened, &exchange->facts_.is_connected);
  return opened;
}

int Exchange::CloseSocket(void* connections, curl_socket_t socket) {
  static_cast<Connections*>(connections)->OnClose(socket);
  return close(socket);
}

long Exchange::CountWritten() const {
  long written_count = 0;
  curl_easy_getinfo(handle_, CURLINFO_REQUEST_SIZE, &written_count);
  return written_count;
}

bool Exchange::IsRequestWritten() const {
  return facts_.has_begun && CountWritten() > written_before_;
}

// libcurl is about to write the request, for the first time or once more.
int Exchange::OnConnected(void* self, char* remote_ip, char* local_ip, int remote_port,
                          int local_port) {
  auto* exchange = static_cast<Exchange*>(self);
  if (exchange->IsRequestWritten()) {
    exchange->facts_.is_repeat_refused = true;
    return CURL_PREREQFUNC_ABORT;
  }
  const ConnectionEnds ends = {local_ip, local_port, remote_ip, remote_port};
  Connections::SetKey(ends, exchange->connection_key_);
  long connects_count = 0;
  curl_easy_getinfo(exchange->handle_, CURLINFO_NUM_CONNECTS, &connects_count);
  if (connects_count > 0) {
    exchange->connections_->Add(exchange->connection_key_, ends, exchange->sockets_);
  } else if (exchange->connections_->ShutDownIfStale(exchange->connection_key_)) {
    exchange->is_stale_ = true;
    return CURL_PREREQFUNC_ABORT;
  }
  exchange->facts_.is_kept_http1 = exchange->connections_->IsExclusive(exchange->connection_key_);
  if (!exchange->facts_.has_begun) exchange->written_before_ = exchange->CountWritten();
  exchange->facts_.has_begun = true;
  return CURL_PREREQFUNC_OK;
}

size_t Exchange::OnHeader(char* data, size_t size, size_t count, void* self) {
  // Less than was given ends the transfer.
  return static_cast<Exchange*>(self)->head_.Add({data, size * count}) ? size * count : 0;
}

size_t Exchange::OnBody(char* data, size_t size, size_t count, void* self) {
  auto* exchange = static_cast<Exchange*>(self);
  std::string& body = exchange->result_.body;
  const size_t room = exchange->request_.response_bytes_max - body.size();
  body.append(data, std::min(room, size * count));
  if (size * count <= room) return size * count;
  exchange->facts_.is_body_too_large = true;
  return 0;  // ends the transfer and drops the connection
}

bool Exchange::ShouldRunAgain(CURLcode code) {
  if (code != CURLE_ABORTED_BY_CALLBACK || !is_stale_) return false;
  curl_off_t elapsed_us = 0;
  curl_easy_getinfo(handle_, CURLINFO_TOTAL_TIME_T, &elapsed_us);
  SetTimeout(request_.timeout - absl::Microseconds(static_cast<int64_t>(elapsed_us)));
  curl_easy_setopt(handle_, CURLOPT_FRESH_CONNECT, 1L);
  is_stale_ = false;
  return true;
}

// libcurl gives the instant at which each phase ended, 0 for those that did not.
PhaseTimings Exchange::MeasurePhases() const {
  const auto end_of = [this](CURLINFO phase) {
    curl_off_t end_us = 0;
    curl_easy_getinfo(handle_, phase, &end_us);
    return absl::Microseconds(static_cast<int64_t>(end_us));
  };
  const auto between = [](absl::Duration begin, absl::Duration end) {
    return std::max(end - begin, absl::ZeroDuration());
  };
  const absl::Duration resolved = end_of(CURLINFO_NAMELOOKUP_TIME_T);
  const absl::Duration connected = end_of(CURLINFO_CONNECT_TIME_T);
  return {.name_lookup = resolved,
          .connect = between(resolved, connected),
          .tls = between(connected, end_of(CURLINFO_APPCONNECT_TIME_T)),
          .first_byte =
              between(end_of(CURLINFO_PRETRANSFER_TIME_T), end_of(CURLINFO_STARTTRANSFER_TIME_T))};
}

TransportResult Exchange::Cancel() {
  facts_.is_cancelled = true;
  return TakeResult(CURLE_ABORTED_BY_CALLBACK);
}

TransportResult Exchange::TakeResult(CURLcode code) {
  for (const int socket : sockets_) connections_->Unwatch(socket);
  ExchangeEnd end = EndOf(code, handle_, head_, facts_, error_.data());
  TransportResult result = std::move(result_);
  result.outcome = end.outcome;
  result.http_status = end.http_status;
  result.error = std::move(end.error);
  result.may_have_arrived = facts_.has_begun;
  if (end.http_status != 0) {
    result.headers = head_.TakeHeaders();
  } else {
    result.body.clear();  // of something that is no answer
  }
  const char* ip = nullptr;
  if (curl_easy_getinfo(handle_, CURLINFO_PRIMARY_IP, &ip) == CURLE_OK && ip != nullptr) {
    result.remote_ip = ip;
  }
  curl_off_t elapsed_us = 0;
  curl_easy_getinfo(handle_, CURLINFO_TOTAL_TIME_T, &elapsed_us);
  result.elapsed = absl::Microseconds(static_cast<int64_t>(elapsed_us));
  if (code == CURLE_OPERATION_TIMEDOUT) result.elapsed = std::max(result.elapsed, facts_.timeout);
  result.phases = MeasurePhases();
  long version = 0;
  curl_easy_getinfo(handle_, CURLINFO_HTTP_VERSION, &version);
  // With HTTP/2 a request that was not taken says nothing about the next ones.
  if (facts_.is_repeat_refused && facts_.is_kept_http1) connections_->OnLost(authority_);
  if (version == CURL_HTTP_VERSION_1_0 || version == CURL_HTTP_VERSION_1_1) {
    connections_->SetExclusive(connection_key_);
  }
  request_ = {};
  // libcurl counts the connections of a handle that turned out to be dead, and gives up at the
  // fifth in the handle's life. A connection that takes the place of one is always a new one.
  long connects_count = 0;
  curl_easy_getinfo(handle_, CURLINFO_NUM_CONNECTS, &connects_count);
  if (connects_count > 0 || credentials_ != nullptr) {
    curl_easy_reset(handle_);
    SetConstantOptions();
    credentials_.reset();
  }
  return result;
}

}  // namespace convoy::transport
