// Sender of e-mails over SMTP on the transport's multi handle. The server is the host's choice, so
// the guard of deliveries does not apply to it. Each mail has a connection of its own.
#pragma once

#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include <curl/curl.h>

#include "convoy/transport.h"

namespace convoy::transport {

class MailSender {
 public:
  // `multi` must outlive it. `ca_file` is empty for the system's authorities.
  MailSender(CURLM* multi, std::string ca_file);
  ~MailSender();
  MailSender(const MailSender&) = delete;
  MailSender& operator=(const MailSender&) = delete;

  // False, with the result to report and `done` left alone, if it cannot be sent.
  bool Start(OutgoingRequest& request, SendCompletion& done, TransportResult* refusal);

  bool Has(CURL* handle) const;
  // Once libcurl is done with the handle, which must have been removed from the multi handle.
  void Finish(CURL* handle, CURLcode code);
  void Cancel();

 private:
  struct Exchange;

  bool Prepare(Exchange& exchange, TransportResult* refusal) const;

  CURLM* const multi_;
  const std::string ca_file_;
  absl::flat_hash_map<CURL*, std::unique_ptr<Exchange>> running_;
};

}  // namespace convoy::transport
