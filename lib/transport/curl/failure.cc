// Texts name the cause in the words of an operator who sees nothing else; the settings that would
// change it are for the caller to name, who knows where they are set.
#include "lib/transport/curl/failure.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace convoy::transport {
namespace {

// Bits of gnutls_certificate_status_t (permanent, part of GnuTLS's ABI), which libcurl hands on as
// CURLINFO_SSL_VERIFYRESULT.
constexpr long kRevoked = 1 << 5;
constexpr long kSignerNotFound = 1 << 6;
constexpr long kSignerNotAuthority = 1 << 7;
constexpr long kInsecureAlgorithm = 1 << 8;
constexpr long kNotYetValid = 1 << 9;
constexpr long kExpired = 1 << 10;

// The same of a libcurl over OpenSSL or BoringSSL, which hands on an X509_V_ERR_ number
// (permanent).
long FromOpenSsl(long error) {
  switch (error) {
    case 2:   // the issuer's certificate is not there
    case 18:  // self-signed
    case 19:  // self-signed in the chain
    case 20:  // the issuer's certificate is not there locally
    case 21:  // the first certificate cannot be verified
      return kSignerNotFound;
    case 9:
      return kNotYetValid;
    case 10:
      return kExpired;
    case 23:
      return kRevoked;
    default:
      return 0;
  }
}

long VerifyResultOf(CURL* handle) {
  long result = 0;
  curl_easy_getinfo(handle, CURLINFO_SSL_VERIFYRESULT, &result);
  const char* library = curl_version_info(CURLVERSION_NOW)->ssl_version;
  const bool is_gnutls =
      library != nullptr && std::string_view(library).find("GnuTLS") != std::string_view::npos;
  return is_gnutls ? result : FromOpenSsl(result);
}

// libcurl's words, in one line and without control characters.
std::string OneLine(std::string_view text) {
  std::string line(absl::StripAsciiWhitespace(text));
  std::replace_if(
      line.begin(), line.end(), [](char c) { return absl::ascii_iscntrl(static_cast<uint8_t>(c)); },
      ' ');
  return line;
}

std::string DetailOf(CURLcode code, const char* detail) {
  return OneLine(detail[0] == '\0' ? curl_easy_strerror(code) : detail);
}

std::string ErrnoText(int number) {
  std::string text = std::strerror(number);
  if (!text.empty()) text[0] = absl::ascii_tolower(static_cast<unsigned char>(text[0]));
  return text;
}

int ErrnoOf(CURL* handle) {
  long number = 0;
  curl_easy_getinfo(handle, CURLINFO_OS_ERRNO, &number);
  return static_cast<int>(number);
}

bool IsTlsFailure(CURLcode code) {
  switch (code) {
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_ISSUER_ERROR:
      return true;
    default:
      return false;
  }
}

// An alert after the handshake: with TLS 1.3 a server judges the client's certificate when the
// client already takes the handshake for done. libcurl gives GnuTLS's number in its text only.
bool IsLateAlert(CURLcode code, const char* detail) {
  constexpr std::string_view kFatalAlert = "GnuTLS recv error (-12)";
  return code == CURLE_RECV_ERROR &&
         std::string_view(detail).find(kFatalAlert) != std::string::npos;
}

std::string TlsText(CURLcode code, CURL* handle, const ExchangeFacts& facts, const char* detail) {
  if (code == CURLE_SSL_CACERT_BADFILE) {
    return facts.has_own_authorities ? "the endpoint's tls_ca_bundle cannot be used"
                                     : "the file of trusted certificate authorities cannot be read";
  }
  if (code == CURLE_SSL_CERTPROBLEM) return "the endpoint's mtls_client_cert cannot be used";
  if (IsLateAlert(code, detail)) {
    return facts.has_client_certificate
               ? "the receiver refused the TLS connection, perhaps the certificate of the "
                 "endpoint's mtls_client_cert"
               : "the receiver refused the TLS connection; it may ask for a client certificate, "
                 "which the endpoint's mtls_client_cert sets";
  }
  if (code != CURLE_PEER_FAILED_VERIFICATION) {
    return absl::StrCat("the TLS handshake failed: ", DetailOf(code, detail));
  }
  const long status = VerifyResultOf(handle);
  if ((status & (kSignerNotFound | kSignerNotAuthority)) != 0) {
    return facts.has_own_authorities
               ? "the certificate is not signed by an authority of the endpoint's tls_ca_bundle"
               : "the certificate is not signed by a trusted certificate authority; a private one "
                 "is made known with --ca-file (ca_file) or the endpoint's tls_ca_bundle";
  }
  if ((status & kRevoked) != 0) return "the certificate was revoked";
  if ((status & kExpired) != 0) return "the certificate has expired";
  if ((status & kNotYetValid) != 0) return "the certificate is not valid yet";
  if ((status & kInsecureAlgorithm) != 0) {
    return "the certificate is signed with an insecure algorithm";
  }
  const std::string text = DetailOf(code, detail);
  if (text.find("does not match") != std::string::npos) {
    return "the certificate is for another host name";
  }
  return absl::StrCat("the certificate was refused: ", text);
}

// How far an exchange came before its time was over.
std::string TimeoutText(CURL* handle, const ResponseHead& head, const ExchangeFacts& facts) {
  const auto passed = [handle](CURLINFO phase) {
    curl_off_t elapsed_us = 0;
    curl_easy_getinfo(handle, phase, &elapsed_us);
    return elapsed_us > 0;
  };
  const char* phase = "waiting for a free connection";
  if (head.is_complete()) {
    phase = "reading the response body";
  } else if (head.has_begun()) {
    phase = "reading the response head";
  } else if (facts.has_begun) {
    curl_off_t sent_count = 0;
    curl_easy_getinfo(handle, CURLINFO_SIZE_UPLOAD_T, &sent_count);
    phase = static_cast<uint64_t>(sent_count) < facts.body_bytes_count ? "sending the request"
                                                                       : "waiting for the response";
  } else if (facts.is_connected) {
    phase = "in the TLS handshake";
  } else if (facts.tried_count > 0) {
    phase = "connecting";
  } else if (!passed(CURLINFO_NAMELOOKUP_TIME_T)) {
    phase = "resolving the host name";
  }
  return absl::StrCat("timed out ", phase, " (", absl::FormatDuration(facts.timeout), ")");
}

ExchangeEnd ConnectEnd(CURL* handle, const ExchangeFacts& facts) {
  if (facts.tried_count == 0 && facts.socket_errno != 0) {
    return {.outcome = TransportOutcome::kLocalFailure,
            .error = absl::StrCat("no socket could be opened: ", ErrnoText(facts.socket_errno))};
  }
  if (facts.tried_count == 0 && facts.denied_count > 0) {
    return {.outcome = TransportOutcome::kDeniedAddress, .error = kDeniedAddressText};
  }
  const int number = ErrnoOf(handle);
  return {.outcome = TransportOutcome::kConnectFailed,
          .error = absl::StrCat(
              "cannot connect: ", number == 0 ? "no address could be reached" : ErrnoText(number),
              facts.denied_count == 0 ? "" : " (the guard refused other addresses of the name)")};
}

// With a proxy, what fails before the request can be written. A proxy that is not there, or
// that does not take us, says nothing about the endpoint. TLS with the endpoint begins once the
// proxy has answered CONNECT; before that it is TLS with the proxy.
std::optional<ExchangeEnd> ProxyEnd(CURLcode code, CURL* handle, const ExchangeFacts& facts,
                                    const char* detail) {
  if (!facts.has_proxy || facts.has_begun) return std::nullopt;
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_HTTP_CONNECTCODE, &status);
  if (code == CURLE_COULDNT_RESOLVE_PROXY) {
    return ExchangeEnd{.outcome = TransportOutcome::kLocalFailure,
                       .error = "the name of the proxy (delivery_proxy) cannot be resolved"};
  }
  if (code == CURLE_COULDNT_CONNECT) {
    const int number = ErrnoOf(handle);
    return ExchangeEnd{
        .outcome = TransportOutcome::kLocalFailure,
        .error = absl::StrCat("the proxy (delivery_proxy) cannot be reached: ",
                              number == 0 ? DetailOf(code, detail) : ErrnoText(number))};
  }
  if (facts.has_tls_proxy && status == 0 && (IsTlsFailure(code) || IsLateAlert(code, detail))) {
    return ExchangeEnd{.outcome = TransportOutcome::kLocalFailure,
                       .error = absl::StrCat("the TLS handshake with the proxy (delivery_proxy) "
                                             "failed: ",
                                             DetailOf(code, detail))};
  }
  if (status == 407) {
    return ExchangeEnd{.outcome = TransportOutcome::kLocalFailure,
                       .error =
                           "the proxy (delivery_proxy) answered 407: it wants a user and a "
                           "password, or others"};
  }
  if (status != 0 && (status < 200 || status > 299)) {
    return ExchangeEnd{.outcome = TransportOutcome::kConnectFailed,
                       .error = absl::StrCat("the proxy (delivery_proxy) answered ", status,
                                             " instead of connecting")};
  }
  if (code == CURLE_PROXY) {
    return ExchangeEnd{.outcome = TransportOutcome::kConnectFailed,
                       .error = absl::StrCat("the proxy (delivery_proxy) did not connect: ",
                                             DetailOf(code, detail))};
  }
  return std::nullopt;
}

constexpr const char* kNotHttpText = "the answer is not HTTP";

// The request was about to be written, and no head came to its end.
std::string BrokenExchangeText(CURLcode code, CURL* handle, const ResponseHead& head,
                               const char* detail) {
  const char* const when = head.has_begun() ? "within the response head" : "before any answer";
  switch (code) {
    case CURLE_OK:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
      return absl::StrCat("the connection was closed ", when);
    case CURLE_RECV_ERROR: {
      const int number = ErrnoOf(handle);
      return absl::StrCat("the connection broke ", when, ": ",
                          number == 0 ? DetailOf(code, detail) : ErrnoText(number));
    }
    case CURLE_SEND_ERROR:
      return absl::StrCat("the connection broke while the request was written: ",
                          DetailOf(code, detail));
    case CURLE_UNSUPPORTED_PROTOCOL:  // the URL's own was looked at before
      return kNotHttpText;
    case CURLE_WEIRD_SERVER_REPLY:
      return absl::StrCat("the answer is not valid HTTP: ", DetailOf(code, detail));
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return absl::StrCat("the HTTP/2 exchange broke: ", DetailOf(code, detail));
    default:
      return DetailOf(code, detail);
  }
}

// libcurl gives up at a header line that it cannot take, such as a Content-Length that is no
// number. The receiver did not break off, and its status line says what it means.
bool IsRefusedHeaderLine(CURLcode code, const ResponseHead& head) {
  return head.has_begun() && !head.is_interim() &&
         (code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_BAD_CONTENT_ENCODING ||
          code == CURLE_UNSUPPORTED_PROTOCOL);
}

// After the final status is known.
ExchangeEnd AnsweredEnd(CURLcode code, CURL* handle, const ResponseHead& head,
                        const ExchangeFacts& facts, const char* detail) {
  ExchangeEnd end{.http_status = head.status()};
  if (facts.is_cancelled) {
    end.outcome = TransportOutcome::kCancelled;
    end.error = "cancelled while the response body was read";
  } else if (!head.is_complete()) {
    end.error = absl::StrCat("the response head is not valid HTTP: ", DetailOf(code, detail));
  } else if (facts.is_body_too_large || head.is_too_large()) {
    end.outcome = TransportOutcome::kResponseTooLarge;
    end.error = "the response body is too large";
  } else if (code == CURLE_OK) {
    end.outcome = TransportOutcome::kResponse;
  } else if (code == CURLE_OPERATION_TIMEDOUT) {
    end.outcome = TransportOutcome::kTimedOut;
    end.error = TimeoutText(handle, head, facts);
  } else {
    end.error = absl::StrCat("the response body broke off: ", DetailOf(code, detail));
  }
  return end;
}

}  // namespace

ExchangeEnd EndOf(CURLcode code, CURL* handle, const ResponseHead& head, const ExchangeFacts& facts,
                  const char* detail) {
  // libcurl takes "http/1.1" in small letters for a status line.
  if (head.is_complete() && head.status() == 0) {
    return {.outcome = TransportOutcome::kProtocolError, .error = kNotHttpText};
  }
  if (head.is_complete() || IsRefusedHeaderLine(code, head)) {
    return AnsweredEnd(code, handle, head, facts, detail);
  }
  if (facts.is_cancelled) {
    return {.outcome = TransportOutcome::kCancelled, .error = "cancelled before an answer"};
  }
  // libcurl runs "out of memory" at a header line beyond its own limit.
  if (head.is_too_large() || (code == CURLE_OUT_OF_MEMORY && head.has_begun())) {
    return {.outcome = TransportOutcome::kResponseTooLarge,
            .error = "the response head is too large"};
  }
  if (const auto end = ProxyEnd(code, handle, facts, detail)) return *end;
  if (IsTlsFailure(code) || IsLateAlert(code, detail)) {
    return {.outcome = TransportOutcome::kTlsFailed, .error = TlsText(code, handle, facts, detail)};
  }
  if (facts.is_repeat_refused) {
    return {.outcome = TransportOutcome::kProtocolError,
            .error = facts.is_kept_http1
                         ? "the kept connection was lost after the request was written, before any "
                           "answer"
                         : "the receiver did not take the request on its HTTP/2 connection"};
  }
  switch (code) {
    case CURLE_URL_MALFORMAT:
      return {.outcome = TransportOutcome::kInvalidUrl, .error = "the URL is malformed"};
    case CURLE_COULDNT_RESOLVE_HOST:
      return {.outcome = TransportOutcome::kNameNotResolved,
              .error = "the host name cannot be resolved"};
    case CURLE_COULDNT_CONNECT:
      return ConnectEnd(handle, facts);
    case CURLE_OPERATION_TIMEDOUT:
      return {.outcome = TransportOutcome::kTimedOut, .error = TimeoutText(handle, head, facts)};
    case CURLE_OUT_OF_MEMORY:
      return {.outcome = TransportOutcome::kLocalFailure, .error = "out of memory"};
    default:
      return {.outcome = TransportOutcome::kProtocolError,
              .error = BrokenExchangeText(code, handle, head, detail)};
  }
}

}  // namespace convoy::transport
