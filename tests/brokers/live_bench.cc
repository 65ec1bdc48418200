// Test bench on a real server; see live_bench.h.
#include "tests/brokers/live_bench.h"

#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"

namespace convoy::testing {

BrokerEnvironment LiveBench::environment() {
  return {.clock = clock_.get(),
          .random = random_.get(),
          .observer = &observer_,
          .allowed_networks = {"127.0.0.0/8"}};
}

absl::StatusOr<Source> LiveBench::MakeQueue(std::string_view arguments) {
  CONVOY_ASSIGN_OR_RETURN(
      const json::Document document,
      server_->Call("new_queue", absl::StrCat("\"arguments\":[", arguments, "]")));
  json::ObjectReader outer(document);
  const json::Value* const answer = outer.Object("answer");
  if (answer == nullptr) return absl::InternalError("no answer");
  json::ObjectReader reader(*answer);
  uint64_t number = 0;
  reader.Read("queue", &number);
  const json::Value* const pub_sub = reader.Object("pub_sub");
  if (pub_sub == nullptr) return absl::InternalError("no pub_sub");
  Source source;
  source.id = absl::StrCat("source-", number);
  source.type = SourceType::kPubSub;
  CONVOY_ASSIGN_OR_RETURN(source.broker, ReadConfig(*pub_sub));
  numbers_[source.id] = number;
  return source;
}

absl::Status LiveBench::Publish(const Source& source, std::span<const BenchMessage> messages) {
  return server_->Produce(NumberOf(source), messages);
}

}  // namespace convoy::testing
