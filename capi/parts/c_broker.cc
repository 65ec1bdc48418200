// Consumers of the host's brokers, and the gateway as they see it.
#include "capi/parts/c_broker.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"

#include "capi/parts/message.h"
#include "convoy/broker_settings.h"

namespace convoy::capi {
namespace {

int64_t MicrosOf(absl::Time time) { return absl::ToUnixMicros(time); }

uint64_t MillisOf(absl::Duration duration) {
  constexpr int64_t kDayMs = 24 * 3600 * 1000;
  return static_cast<uint64_t>(std::clamp<int64_t>(absl::ToInt64Milliseconds(duration), 0, kDayMs));
}

// The environment of an adapter in the form of C. Does not move.
class LentHost {
 public:
  explicit LentHost(const BrokerEnvironment& env)
      : env_(env), networks_(BorrowTexts(env_.allowed_networks)) {
    view_ = {.struct_size = sizeof(convoy_broker_host),
             .host = this,
             .allowed_networks = networks_.data(),
             .allowed_networks_count = networks_.size(),
             .now_us = &NowUs,
             .steady_us = &SteadyUs,
             .log = &Log};
  }
  LentHost(const LentHost&) = delete;
  LentHost& operator=(const LentHost&) = delete;

  const convoy_broker_host* view() const { return &view_; }

 private:
  static int64_t NowUs(void* host) {
    return MicrosOf(static_cast<LentHost*>(host)->env_.clock->Now());
  }
  static int64_t SteadyUs(void* host) {
    return MicrosOf(static_cast<LentHost*>(host)->env_.clock->SteadyNow());
  }
  static void Log(void* host, uint32_t level, const char* event, const char* detail) {
    Observer* const observer = static_cast<LentHost*>(host)->env_.observer;
    if (observer == nullptr || event == nullptr) return;
    const LogField field = {"detail", detail == nullptr ? "" : detail};
    observer->Log(static_cast<LogLevel>(std::min<uint32_t>(level, CONVOY_LOG_ERROR)), event,
                  {&field, detail == nullptr ? size_t{0} : size_t{1}});
  }

  const BrokerEnvironment env_;
  const std::vector<convoy_slice> networks_;
  convoy_broker_host view_ = {};
};

// A source in the form of C, which borrows from it.
struct LentSource {
  LentSource(const Source& source, std::string_view consumer_id, std::string_view type)
      : settings(EncodeBrokerSettings(source.broker)),
        view{.struct_size = sizeof(convoy_broker_source),
             .source_id = SliceOf(source.id),
             .project_id = SliceOf(source.project_id),
             .consumer_id = SliceOf(consumer_id),
             .type = SliceOf(type),
             .settings = SliceOf(settings)} {}

  const std::string settings;
  const convoy_broker_source view;
};

// Messages of one poll.
struct Sink {
  std::vector<BrokerMessage> messages;
  absl::Status problem;

  static void Take(void* sink, const convoy_message* message) {
    auto& self = *static_cast<Sink*>(sink);
    try {
      self.Add(message);
    } catch (...) {
      self.problem = absl::ResourceExhaustedError("no memory for a message");
    }
  }

 private:
  void Add(const convoy_message* message) {
    const absl::Status checked = CheckTable(message, "message", sizeof(convoy_message));
    if (!checked.ok()) {
      problem = checked;
      return;
    }
    messages.push_back(CopyMessage(*message));
  }
};

std::vector<uint64_t> TagsOf(std::span<const BrokerMessage> messages) {
  std::vector<uint64_t> tags;
  tags.reserve(messages.size());
  for (const BrokerMessage& message : messages) tags.push_back(message.tag);
  return tags;
}

class CConsumer final : public BrokerConsumer {
 public:
  CConsumer(std::shared_ptr<const BrokerPart> part, std::unique_ptr<LentHost> host,
            const convoy_consumer& table, const Engine* engine, ReportDefect report)
      : part_(std::move(part)),
        host_(std::move(host)),
        table_(table),
        engine_(engine),
        report_(std::move(report)) {}
  ~CConsumer() override {
    CallPart(engine_, [this] { table_.close(table_.self); });
  }

  absl::StatusOr<std::vector<BrokerMessage>> Poll(const PollLimits& limits,
                                                  absl::Duration patience) override {
    Sink sink;
    const absl::Status polled = Call([&](convoy_failure* failure) {
      return table_.poll(table_.self, limits.messages_max, limits.bytes_max, MillisOf(patience),
                         &Sink::Take, &sink, failure);
    });
    if (!polled.ok()) return polled;
    if (!sink.problem.ok()) {
      report_(sink.problem.message());
      return absl::InternalError(sink.problem.message());
    }
    if (sink.messages.size() > limits.messages_max) {
      report_(absl::StrCat("poll handed out ", sink.messages.size(), " messages and was asked for ",
                           limits.messages_max));
    }
    return std::move(sink.messages);
  }

  absl::Status Acknowledge(std::span<const BrokerMessage> messages) override {
    const std::vector<uint64_t> tags = TagsOf(messages);
    return Call([&](convoy_failure* failure) {
      return table_.acknowledge(table_.self, tags.data(), tags.size(), failure);
    });
  }

  absl::Status Extend(std::span<const BrokerMessage> messages) override {
    if (table_.extend == nullptr) return absl::OkStatus();
    const std::vector<uint64_t> tags = TagsOf(messages);
    return Call([&](convoy_failure* failure) {
      return table_.extend(table_.self, tags.data(), tags.size(), failure);
    });
  }

  absl::Duration extension_interval() const override {
    uint64_t interval_ms = 0;
    if (table_.extension_interval_ms != nullptr) {
      CallPart(engine_, [&] { interval_ms = table_.extension_interval_ms(table_.self); });
    }
    constexpr uint64_t kDayMs = 24 * 3600 * 1000;
    return interval_ms == 0 ? absl::InfiniteDuration()
                            : absl::Milliseconds(std::min(interval_ms, kDayMs));
  }

  void AskLag() override {
    if (table_.ask_lag == nullptr) return;
    CallPart(engine_, [this] { table_.ask_lag(table_.self); });
  }

  absl::StatusOr<BrokerLag> lag() const override {
    if (table_.lag == nullptr) return BrokerConsumer::lag();
    uint64_t count = 0;
    int64_t at_us = 0;
    const absl::Status asked = Call(
        [&](convoy_failure* failure) { return table_.lag(table_.self, &count, &at_us, failure); });
    if (!asked.ok()) return asked;
    return BrokerLag{.messages_count = count, .at = absl::FromUnixMicros(at_us)};
  }

  bool is_lag_shared() const override {
    int32_t is_shared = 0;
    if (table_.is_lag_shared != nullptr) {
      CallPart(engine_, [&] { is_shared = table_.is_lag_shared(table_.self); });
    }
    return is_shared != 0;
  }

  absl::Status PublishDeadLetter(const BrokerMessage& message, std::string_view reason) override {
    if (table_.publish_dead_letter == nullptr) return absl::OkStatus();
    const LentMessage lent(message);
    return Call([&](convoy_failure* failure) {
      return table_.publish_dead_letter(table_.self, lent.view(), reason.data(), reason.size(),
                                        failure);
    });
  }

  void Interrupt() override {
    CallPart(engine_, [this] { table_.interrupt(table_.self); });
  }

 private:
  template <typename Function>
  absl::Status Call(Function function) const {
    FailureRoom room;
    convoy_status code = CONVOY_E_INTERNAL;
    if (!CallPart(engine_, [&] { code = function(room.get()); })) {
      return absl::InternalError("the host's broker threw an exception");
    }
    return room.StatusOf(code);
  }

  const std::shared_ptr<const BrokerPart> part_;
  const std::unique_ptr<LentHost> host_;
  const convoy_consumer table_;
  const Engine* const engine_;
  const ReportDefect report_;
};

}  // namespace

// A consumer that cannot be used is closed like any other, if its table goes that far.
void CBroker::CloseRefused(const convoy_consumer* opened) const {
  const absl::Status checked = CheckTable(opened, "consumer", sizeof(convoy_consumer));
  if (!checked.ok() && !absl::IsUnimplemented(checked)) return;  // its size is none
  const convoy_consumer table = CopyTable(*opened);
  if (table.close != nullptr) CallPart(engine_, [&] { table.close(table.self); });
}

absl::StatusOr<std::unique_ptr<BrokerConsumer>> CBroker::Open(const Source& source,
                                                              std::string_view consumer_id,
                                                              const BrokerEnvironment& env) {
  auto host = std::make_unique<LentHost>(env);
  const LentSource lent(source, consumer_id, type());
  FailureRoom room;
  const convoy_consumer* opened = nullptr;
  convoy_status code = CONVOY_E_INTERNAL;
  const bool is_called = CallPart(engine_, [&] {
    code = (*part_)->open((*part_)->self, &lent.view, host->view(), &opened, room.get());
  });
  if (!is_called) return absl::InternalError("the host's broker threw an exception");
  if (code != CONVOY_OK) return room.StatusOf(code);
  absl::Status checked = CheckTable(opened, "consumer", sizeof(convoy_consumer));
  if (checked.ok()) checked = CheckComplete(CopyTable(*opened));
  if (!checked.ok()) {
    report_(checked.message());
    CloseRefused(opened);
    return absl::InternalError(checked.message());
  }
  return std::make_unique<CConsumer>(part_, std::move(host), CopyTable(*opened), engine_, report_);
}

absl::Status CBroker::Check(const Source& source, const BrokerEnvironment& env) {
  if ((*part_)->check == nullptr) return Broker::Check(source, env);
  const LentHost host(env);
  const std::string consumer_id = absl::StrCat(source.id, "-check");
  const LentSource lent(source, consumer_id, type());
  FailureRoom room;
  convoy_status code = CONVOY_E_INTERNAL;
  const bool is_called = CallPart(engine_, [&] {
    code = (*part_)->check((*part_)->self, &lent.view, host.view(), room.get());
  });
  return is_called ? room.StatusOf(code)
                   : absl::InternalError("the host's broker threw an exception");
}

}  // namespace convoy::capi
