// The receiver of `convoyd serve --dev`: a gateway that answers one more path and passes the rest
// on. It keeps the latest deliveries in memory and shows them.
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"

#include "convoy/forwarding_gateway.h"
#include "examples/convoyd/dev.h"
#include "examples/convoyd/json_text.h"
#include "examples/convoyd/wire.h"

namespace convoyd {
namespace {

constexpr std::string_view kPath = "/dev/receiver";
constexpr size_t kShownMax = 20;
constexpr size_t kBodyBytesMax = 1024 * 1024;
constexpr size_t kShownBytesMax = 4096;

class TrialGateway final : public convoy::ForwardingGateway {
 public:
  explicit TrialGateway(convoy::Gateway* gateway) : ForwardingGateway(gateway) {}

  convoy::HeadDecision InspectHead(const convoy::HttpRequest& head) override {
    if (head.path != kPath) return next().InspectHead(head);
    return {.body_bytes_max = kBodyBytesMax};
  }
  convoy::HttpResponse RefuseTooLarge(const convoy::HttpRequest& head) override {
    if (head.path != kPath) return next().RefuseTooLarge(head);
    return TextResponse(413, "the receiver of a trial takes bodies of up to 1 MiB");
  }
  std::optional<convoy::HttpResponse> Handle(const convoy::HttpRequest& request) override {
    return request.path == kPath ? Receive(request) : next().Handle(request);
  }
  bool HandleAsync(const convoy::HttpRequest& request,
                   std::function<void(convoy::HttpResponse)> done) override {
    if (request.path != kPath) return next().HandleAsync(request, std::move(done));
    done(Receive(request));
    return true;
  }

 private:
  convoy::HttpResponse Receive(const convoy::HttpRequest& request) {
    if (request.method == "GET") return Show();
    if (request.method != "POST") {
      convoy::HttpResponse response = TextResponse(405, "GET or POST");
      response.headers.push_back({"Allow", "GET, POST"});
      return response;
    }
    std::string headers;
    for (const convoy::HeaderView& header : request.headers) {
      absl::StrAppend(&headers, headers.empty() ? "{" : ",", JsonString(header.name), ":",
                      JsonString(header.value));
    }
    std::string line = JsonLine()
                           .AddRaw("headers", headers.empty() ? "{}" : absl::StrCat(headers, "}"))
                           .Add("body", request.body.substr(0, kShownBytesMax))
                           .Take();
    absl::MutexLock lock(&mutex_);
    received_.push_back(std::move(line));
    if (received_.size() > kShownMax) received_.pop_front();
    return TextResponse(200, "received");
  }

  convoy::HttpResponse Show() const {
    convoy::HttpResponse response{.status = 200,
                                  .headers = {{"Content-Type", "application/x-ndjson"}}};
    absl::MutexLock lock(&mutex_);
    for (const std::string& line : received_) response.body += line;
    return response;
  }

  mutable absl::Mutex mutex_;
  std::deque<std::string> received_ ABSL_GUARDED_BY(mutex_);  // lines of JSON, oldest first
};

}  // namespace

std::unique_ptr<convoy::Gateway> NewTrialGateway(convoy::Gateway* gateway) {
  return std::make_unique<TrialGateway>(gateway);
}

}  // namespace convoyd
