// HTTP interface of the gateway: ingest links, the REST API, health, metrics. Requests in, replies
// out; no sockets, no threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "convoy/gateway.h"
#include "convoy/http.h"
#include "convoy/options.h"
#include "lib/http/request/api_parts.h"
#include "lib/http/request/reply.h"
#include "lib/intake/event_checks.h"

namespace convoy::http {

// The origin of a request: one from the network tells by a key what it may do.
enum class Origin : uint8_t { kNetwork, kHost };

// Safe to use from any thread.
class Api {
 public:
  Api(const GatewayOptions& options, ApiParts parts);
  ~Api();

  // nullopt: the path is not ours. `request` must stay valid until the reply has been finished.
  std::optional<Reply> Handle(const HttpRequest& request) const;

  // A request of the REST API from the host itself: it is the instance's administrator, whatever
  // the headers say. nullopt: a path of something else.
  std::optional<Reply> Call(const HttpRequest& request) const;

  // See Gateway::InspectHead.
  HeadDecision InspectHead(const HttpRequest& head) const;
  // See Gateway::RefuseTooLarge.
  HttpResponse RefuseTooLarge(const HttpRequest& head) const;

 private:
  std::optional<Reply> Dispatch(const HttpRequest& request) const;
  Reply DispatchApi(const HttpRequest& request, Origin origin) const;
  HeadDecision DecideOnHead(const HttpRequest& head) const;
  intake::BodyLimit LimitFor(const HttpRequest& head) const;
  HttpResponse TooLarge(const HttpRequest& head, const intake::BodyLimit& limit) const;
  // Tells of a link that leads to no source.
  HttpResponse RefuseUnknownLink() const;
  // An event that comes round again.
  std::optional<HttpResponse> RefuseLoop(const HttpRequest& head) const;
  // Reports a request to an ingest link that is refused before its source is asked.
  void ReportOf(const HttpRequest& head, std::string_view reason, std::string_view detail) const;
  // Adds what every answer to `method` carries, now or once its write is done.
  void Stamp(std::string_view method, HttpResponse& response) const;
  Reply Stamped(std::string method, Reply reply) const;
  std::optional<Reply> Stamped(const HttpRequest& request, std::optional<Reply> reply) const;

  const GatewayOptions& options_;
  const std::unique_ptr<VerifiedKeys> verified_keys_;
  const ApiParts parts_;
};

}  // namespace convoy::http
