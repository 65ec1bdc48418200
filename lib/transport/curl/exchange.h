// One request and its response on one libcurl handle: what is set before, gathered during, and read
// after the transfer. Handles are kept and used again, which saves their set-up.
#pragma once

#include <memory>
#include <string>

#include <curl/curl.h>

#include "convoy/transport.h"
#include "lib/transport/guard.h"

namespace convoy::transport {

class Exchange {
 public:
  // Common settings of all exchanges of a transport; must outlive them.
  struct Setting {
    Guard guard;
    std::string ca_file;  // empty: the system's authorities
  };

  // nullptr if libcurl has no memory.
  static std::unique_ptr<Exchange> New(const Setting* setting);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // Makes the handle ready. False, with the result to report, if the request cannot be sent.
  bool Prepare(OutgoingRequest request, SendCompletion done, TransportResult* refusal);

  // The outcome, once libcurl is done with the handle.
  TransportResult TakeResult(CURLcode code);
  SendCompletion TakeCompletion() { return std::move(done_); }

  CURL* handle() const { return handle_; }

 private:
  Exchange(CURL* handle, const Setting* setting) : handle_(handle), setting_(setting) {}

  static curl_socket_t OpenSocket(void* self, curlsocktype purpose, curl_sockaddr* address);
  static size_t OnHeader(char* data, size_t size, size_t count, void* self);
  static size_t OnBody(char* data, size_t size, size_t count, void* self);

  void SetConstantOptions();
  bool SetUrl(std::string* error);
  bool SetHeaders(std::string* error);
  TransportOutcome OutcomeOf(CURLcode code, bool has_status) const;

  CURL* const handle_;
  const Setting* const setting_;
  curl_slist* header_lines_ = nullptr;
  OutgoingRequest request_;
  SendCompletion done_;
  TransportResult result_;
  size_t header_bytes_ = 0;
  bool is_denied_ = false;
  bool is_head_complete_ = false;
  bool is_too_large_ = false;
};

}  // namespace convoy::transport
