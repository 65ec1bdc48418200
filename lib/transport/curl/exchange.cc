// Options: no redirects, no proxies, no signals, http and https only, and every address is put to
// the guard when its socket is about to be opened. The URL is parsed by the same parser that will
// use it.
#include "lib/transport/curl/exchange.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "absl/memory/memory.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#include "lib/base/text.h"

namespace convoy::transport {
namespace {

constexpr size_t kHeaderBytesMax = 64 * 1024;
constexpr size_t kHeadersMax = 256;

struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

std::optional<std::string> PartOf(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return std::nullopt;
  std::string found = text;
  curl_free(text);
  return found;
}

// How far an exchange came before its time was over.
const char* TimeoutText(CURL* handle, bool has_status) {
  curl_off_t looked_up_us = 0;
  curl_off_t ready_us = 0;
  curl_easy_getinfo(handle, CURLINFO_NAMELOOKUP_TIME_T, &looked_up_us);
  curl_easy_getinfo(handle, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
  if (has_status) return "timed out reading the response";
  if (ready_us > 0) return "timed out waiting for the response";
  return looked_up_us > 0 ? "timed out connecting" : "timed out before connecting";
}

}  // namespace

std::unique_ptr<Exchange> Exchange::New(const Setting* setting) {
  CURL* const handle = curl_easy_init();
  if (handle == nullptr) return nullptr;
  auto exchange = absl::WrapUnique(new Exchange(handle, setting));
  exchange->SetConstantOptions();
  return exchange;
}

Exchange::~Exchange() {
  curl_easy_cleanup(handle_);
  curl_slist_free_all(header_lines_);
}

void Exchange::SetConstantOptions() {
  curl_easy_setopt(handle_, CURLOPT_PRIVATE, this);
  curl_easy_setopt(handle_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle_, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle_, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle_, CURLOPT_PROXY, "");
  curl_easy_setopt(handle_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  if (!setting_->ca_file.empty()) {
    curl_easy_setopt(handle_, CURLOPT_CAINFO, setting_->ca_file.c_str());
    curl_easy_setopt(handle_, CURLOPT_CAPATH, nullptr);
  }
  curl_easy_setopt(handle_, CURLOPT_OPENSOCKETFUNCTION, &Exchange::OpenSocket);
  curl_easy_setopt(handle_, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(handle_, CURLOPT_HEADERFUNCTION, &Exchange::OnHeader);
  curl_easy_setopt(handle_, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(handle_, CURLOPT_WRITEFUNCTION, &Exchange::OnBody);
  curl_easy_setopt(handle_, CURLOPT_WRITEDATA, this);
}

bool Exchange::Prepare(OutgoingRequest request, SendCompletion done, TransportResult* refusal) {
  request_ = std::move(request);
  done_ = std::move(done);
  result_ = {};
  header_bytes_ = 0;
  is_denied_ = is_head_complete_ = is_too_large_ = false;
  std::string error;
  if (!SetUrl(&error) || !SetHeaders(&error)) {
    *refusal = {.outcome = TransportOutcome::kInvalidUrl, .error = error};
    request_ = {};
    return false;
  }
  curl_easy_setopt(handle_, CURLOPT_POST, 1L);
  curl_easy_setopt(handle_, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  const std::string_view body = request_.body == nullptr ? "" : std::string_view(*request_.body);
  curl_easy_setopt(handle_, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(handle_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  const int64_t timeout_ms = std::max<int64_t>(1, absl::ToInt64Milliseconds(request_.timeout));
  curl_easy_setopt(handle_, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout_ms));
  return true;
}

bool Exchange::SetUrl(std::string* error) {
  const std::unique_ptr<CURLU, UrlDeleter> url(curl_url());
  const bool is_clean = std::none_of(request_.url.begin(), request_.url.end(), [](char c) {
    return static_cast<uint8_t>(c) <= 0x20 || c == 0x7F;
  });
  if (url == nullptr || !is_clean ||
      curl_url_set(url.get(), CURLUPART_URL, request_.url.c_str(), 0) != CURLUE_OK) {
    *error = "the URL is malformed";
    return false;
  }
  const std::string scheme = PartOf(url.get(), CURLUPART_SCHEME).value_or("");
  if (scheme != "http" && scheme != "https") {
    *error = "the URL is neither http nor https";
    return false;
  }
  if (PartOf(url.get(), CURLUPART_USER).has_value() ||
      PartOf(url.get(), CURLUPART_PASSWORD).has_value()) {
    *error = "the URL must not hold a user name or password";
    return false;
  }
  curl_easy_setopt(handle_, CURLOPT_URL, request_.url.c_str());
  return true;
}

bool Exchange::SetHeaders(std::string* error) {
  curl_slist_free_all(header_lines_);
  header_lines_ = nullptr;
  const auto append = [this](const std::string& line) {
    header_lines_ = curl_slist_append(header_lines_, line.c_str());
  };
  // Suppresses headers that libcurl would add by itself.
  append("Expect:");
  append("Accept:");
  if (!base::FindHeader(request_.headers, "Content-Type").has_value()) append("Content-Type:");
  for (const Header& header : request_.headers) {
    if (!base::IsHeaderName(header.name) || !base::IsHeaderValue(header.value)) {
      *error = "a header has a name or value that HTTP does not allow";
      return false;
    }
    // "Name;" is libcurl's way of asking for an empty value; with a blank one it drops the header.
    const std::string_view value = absl::StripAsciiWhitespace(header.value);
    append(value.empty() ? absl::StrCat(header.name, ";") : absl::StrCat(header.name, ": ", value));
  }
  curl_easy_setopt(handle_, CURLOPT_HTTPHEADER, header_lines_);
  return true;
}

curl_socket_t Exchange::OpenSocket(void* self, curlsocktype purpose, curl_sockaddr* address) {
  auto* exchange = static_cast<Exchange*>(self);
  const auto ip = IpAddress::FromSocket(&address->addr, address->addrlen);
  if (purpose != CURLSOCKTYPE_IPCXN || !ip.has_value() || !exchange->setting_->guard.Allows(*ip)) {
    exchange->is_denied_ = true;
    return CURL_SOCKET_BAD;
  }
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

size_t Exchange::OnHeader(char* data, size_t size, size_t count, void* self) {
  auto* exchange = static_cast<Exchange*>(self);
  const std::string_view line = absl::StripAsciiWhitespace({data, size * count});
  Headers& headers = exchange->result_.headers;
  exchange->header_bytes_ += size * count;
  if (exchange->header_bytes_ > kHeaderBytesMax || headers.size() >= kHeadersMax) {
    exchange->is_too_large_ = true;
    return 0;  // ends the transfer
  }
  if (line.empty()) exchange->is_head_complete_ = true;
  if (line.starts_with("HTTP/")) {
    headers.clear();  // those before belonged to an interim response
    exchange->is_head_complete_ = false;
    return size * count;
  }
  const size_t colon = line.find(':');
  if (colon != std::string_view::npos) {
    headers.push_back({.name = std::string(line.substr(0, colon)),
                       .value = std::string(absl::StripAsciiWhitespace(line.substr(colon + 1)))});
  }
  return size * count;
}

size_t Exchange::OnBody(char* data, size_t size, size_t count, void* self) {
  auto* exchange = static_cast<Exchange*>(self);
  std::string& body = exchange->result_.body;
  const size_t room = exchange->request_.response_bytes_max - body.size();
  body.append(data, std::min(room, size * count));
  if (size * count <= room) return size * count;
  exchange->is_too_large_ = true;
  return 0;  // ends the transfer and drops the connection
}

// CURLE_UNSUPPORTED_PROTOCOL is what libcurl says of answers that are not HTTP: the scheme of the
// URL was looked at before.
TransportOutcome Exchange::OutcomeOf(CURLcode code, bool has_status) const {
  if (is_too_large_) return TransportOutcome::kResponseTooLarge;
  switch (code) {
    case CURLE_OK:  // also where the connection ended within the headers
      return is_head_complete_ ? TransportOutcome::kResponse : TransportOutcome::kProtocolError;
    case CURLE_OUT_OF_MEMORY:  // also libcurl's word for a header line beyond its own limit
      return has_status ? TransportOutcome::kResponseTooLarge : TransportOutcome::kProtocolError;
    case CURLE_URL_MALFORMAT:
      return TransportOutcome::kInvalidUrl;
    case CURLE_COULDNT_RESOLVE_HOST:
      return TransportOutcome::kNameNotResolved;
    case CURLE_COULDNT_CONNECT:
      return is_denied_ ? TransportOutcome::kDeniedAddress : TransportOutcome::kConnectFailed;
    case CURLE_OPERATION_TIMEDOUT:
      return TransportOutcome::kTimedOut;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_INVALIDCERTSTATUS:
      return TransportOutcome::kTlsFailed;
    default:
      return TransportOutcome::kProtocolError;
  }
}

TransportResult Exchange::TakeResult(CURLcode code) {
  long status = 0;
  curl_easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &status);
  TransportResult result = std::move(result_);
  result.http_status = static_cast<int>(status);
  result.outcome = OutcomeOf(code, status != 0);
  if (result.outcome == TransportOutcome::kDeniedAddress) {
    result.error = "the address is not allowed: deliveries go to public addresses only";
  } else if (result.outcome == TransportOutcome::kResponseTooLarge) {
    result.error = "the response is too large";
  } else if (result.outcome == TransportOutcome::kTimedOut) {
    result.error = TimeoutText(handle_, status != 0);
  } else if (result.outcome == TransportOutcome::kProtocolError && code == CURLE_OK) {
    result.error = "the response broke off";
  } else if (code != CURLE_OK) {
    result.error = curl_easy_strerror(code);
  }
  const char* ip = nullptr;
  if (curl_easy_getinfo(handle_, CURLINFO_PRIMARY_IP, &ip) == CURLE_OK && ip != nullptr) {
    result.remote_ip = ip;
  }
  curl_off_t elapsed_us = 0;
  curl_easy_getinfo(handle_, CURLINFO_TOTAL_TIME_T, &elapsed_us);
  result.elapsed = absl::Microseconds(static_cast<int64_t>(elapsed_us));
  request_ = {};
  // libcurl repeats a request whose connection, used again, turns out to be dead, but only so often
  // in the life of a handle. Such a repetition always makes a connection.
  long connects_count = 0;
  curl_easy_getinfo(handle_, CURLINFO_NUM_CONNECTS, &connects_count);
  if (connects_count > 0) {
    curl_easy_reset(handle_);
    SetConstantOptions();
  }
  return result;
}

}  // namespace convoy::transport
