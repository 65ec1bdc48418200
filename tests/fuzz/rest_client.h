// The REST API over a store in memory, with one project set up: what the fuzzer talks to.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "convoy/gateway.h"
#include "lib/http/api.h"
#include "tests/support/sim_clock.h"

namespace convoy::fuzz {

class RestClient {
 public:
  RestClient();
  RestClient(const RestClient&) = delete;
  RestClient& operator=(const RestClient&) = delete;

  // Answers a request, with every write committed on the spot. `target` may hold the control
  // characters below. Remembers the ids of what was made and listed.
  HttpResponse Send(std::string_view method, std::string_view target, std::string_view body,
                    std::vector<HeaderView> headers, bool has_key);

  // Replaces control characters by what was made last: \x01 project, \x02 source, \x03 ingest mask,
  // \x04 endpoint, \x05 subscription, \x06 event, \x07 delivery, \x08 API key.
  std::string Fill(std::string_view text) const;

 private:
  HttpResponse Finish(http::Reply reply);
  void Remember(std::string_view path, const HttpResponse& response);

  testing::SimClock clock_;
  testing::SeededRandom random_;
  GatewayOptions options_;
  std::unique_ptr<Storage> storage_ = NewMemoryStorage();
  base::UlidGenerator ulids_;
  config::ConfigCache configuration_;
  intake::Intake intake_;
  Observer observer_;
  const http::ApiParts parts_;
  http::Api api_;
  std::string authorization_;
  std::map<char, std::string> ids_;
};

}  // namespace convoy::fuzz
