// Entry point of the suite for message brokers.
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

#include "capi/parts/c_broker.h"
#include "capi/testing/report.h"
#include "convoy/broker_settings.h"
#include "convoy/testing/broker_conformance.h"

namespace convoy::capi {
namespace {

using testing::BenchMessage;

void TakeText(void* sink, const char* text, size_t text_size) {
  try {
    static_cast<std::string*>(sink)->assign(TextOf({text, text_size}));
  } catch (...) {
  }
}

class CBench final : public testing::BrokerBench {
 public:
  CBench(const convoy_broker_bench& table, std::unique_ptr<Broker> broker)
      : table_(table), broker_(std::move(broker)) {}

  Broker& broker() override { return *broker_; }

  BrokerEnvironment environment() override {
    return {.clock = clock_.get(),
            .random = random_.get(),
            .observer = &observer_,
            .allowed_networks = {"127.0.0.0/8", "::1/128"}};
  }

  testing::BrokerTraits traits() const override {
    const auto promises = [this](uint32_t bit) { return (table_.promises & bit) != 0; };
    return {.is_ordered = promises(CONVOY_BENCH_ORDERED),
            .has_binary_bodies = promises(CONVOY_BENCH_BINARY_BODIES),
            .has_attributes = promises(CONVOY_BENCH_ATTRIBUTES),
            .has_ids = promises(CONVOY_BENCH_IDS),
            .has_redelivery_ids = promises(CONVOY_BENCH_POSITIONS),
            .shares_queues = promises(CONVOY_BENCH_SHARED_QUEUES),
            .tells_lag = promises(CONVOY_BENCH_LAG),
            .may_restart = table_.restart != nullptr,
            .may_remake = table_.remake_queue != nullptr,
            .may_repeat = promises(CONVOY_BENCH_REPEATS),
            .redelivery_max = absl::Milliseconds(
                static_cast<int64_t>(std::min<uint64_t>(table_.redelivery_ms_max, 3600 * 1000)))};
  }

  absl::StatusOr<Source> NewQueue() override {
    return ReadSource([this](std::string* text, convoy_failure* failure) {
      return table_.new_queue(table_.self, &TakeText, text, failure);
    });
  }

  absl::Status Publish(const Source& source, std::span<const BenchMessage> messages) override {
    const std::string settings = EncodeBrokerSettings(source.broker);
    std::vector<std::vector<convoy_header>> attributes;
    std::vector<convoy_message> given;
    attributes.reserve(messages.size());
    for (const BenchMessage& message : messages) {
      attributes.push_back(BorrowHeaders(message.attributes));
      given.push_back({.struct_size = sizeof(convoy_message),
                       .body = SliceOf(message.body),
                       .attributes = attributes.back().data(),
                       .attributes_count = attributes.back().size(),
                       .id = SliceOf(message.id)});
    }
    return Call([&](convoy_failure* failure) {
      return table_.publish(table_.self, settings.data(), settings.size(), given.data(),
                            given.size(), failure);
    });
  }

  absl::StatusOr<Source> SpoilCredentials(Source source) override {
    return Spoil(table_.spoil_credentials, source);
  }
  absl::StatusOr<Source> SpoilQueueName(Source source) override {
    return Spoil(table_.spoil_queue, source);
  }
  absl::StatusOr<Source> SpoilAddress(Source source) override {
    return Spoil(table_.spoil_address, source);
  }

  absl::Status RemakeQueue(const Source& source) override {
    const std::string settings = EncodeBrokerSettings(source.broker);
    return Call([&](convoy_failure* failure) {
      return table_.remake_queue(table_.self, settings.data(), settings.size(), failure);
    });
  }

  absl::Status RestartServer() override {
    return Call([&](convoy_failure* failure) { return table_.restart(table_.self, failure); });
  }

 private:
  using Spoiler = convoy_status (*)(void* self, const char* settings, size_t settings_size,
                                    convoy_text_fn give, void* sink, convoy_failure* failure);

  template <typename Function>
  absl::Status Call(Function function) const {
    FailureRoom room;
    convoy_status code = CONVOY_E_INTERNAL;
    if (!CallPart(nullptr, [&] { code = function(room.get()); })) {
      return absl::InternalError("the bench threw an exception");
    }
    return room.StatusOf(code);
  }

  // A source with the settings that `ask` gets from the host.
  template <typename Ask>
  absl::StatusOr<Source> ReadSource(Ask ask) {
    std::string text;
    const absl::Status asked = Call([&](convoy_failure* failure) { return ask(&text, failure); });
    if (!asked.ok()) return asked;
    absl::StatusOr<BrokerConfig> config = DecodeBrokerSettings(text);
    if (!config.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the bench gave settings that cannot be read: ", config.status().message()));
    }
    return Source{.id = absl::StrCat("source", ++sources_count_),
                  .project_id = "project",
                  .type = SourceType::kPubSub,
                  .broker = *std::move(config)};
  }

  absl::StatusOr<Source> Spoil(Spoiler spoiler, const Source& source) {
    if (spoiler == nullptr) return absl::UnimplementedError("the bench does not offer this");
    const std::string settings = EncodeBrokerSettings(source.broker);
    return ReadSource([&](std::string* text, convoy_failure* failure) {
      return spoiler(table_.self, settings.data(), settings.size(), &TakeText, text, failure);
    });
  }

  const convoy_broker_bench table_;
  const std::unique_ptr<Broker> broker_;
  const std::unique_ptr<Clock> clock_ = NewSystemClock();
  const std::unique_ptr<Random> random_ = NewSystemRandom();
  Observer observer_;
  int sources_count_ = 0;
};

absl::Status CheckBench(const convoy_broker_bench& bench) {
  if (bench.new_queue == nullptr) {
    return absl::InvalidArgumentError("bench.new_queue: must not be NULL");
  }
  if (bench.publish == nullptr) {
    return absl::InvalidArgumentError("bench.publish: must not be NULL");
  }
  return CheckTable(bench.broker, "bench.broker", sizeof(convoy_broker));
}

}  // namespace
}  // namespace convoy::capi

int32_t convoy_broker_conformance(const convoy_broker_bench* bench, convoy_report_fn report,
                                  void* user) {
  using namespace convoy::capi;
  return RunSuite([&] {
    absl::Status checked = CheckTable(bench, "bench", sizeof *bench);
    if (checked.ok()) checked = CheckBench(CopyTable(*bench));
    if (!checked.ok()) return Refuse(checked, report, user);
    const convoy_broker_bench table = CopyTable(*bench);
    const auto part = std::make_shared<const BrokerPart>(CopyTable(*table.broker));
    checked = CheckComplete(**part);
    if (!checked.ok()) return Refuse(checked, report, user);
    const auto defects = std::make_shared<Defects>();
    CBench under_test(table, std::make_unique<CBroker>(
                                 part, nullptr, [defects](auto defect) { defects->Add(defect); }));
    convoy::testing::ConformanceReport found = convoy::testing::CheckBroker(under_test);
    AddDefects(defects->Take(), &found);
    return Tell(found, report, user);
  });
}
