// Functions of the table, and the gateway as an adapter of C++ wants to see it. No exception leaves
// a function: it becomes a status.
#include "capi/plugin/exported_broker.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"

#include "capi/parts/message.h"
#include "convoy/broker_settings.h"
#include "convoy/clock.h"
#include "convoy/observer.h"

namespace convoy::capi {
namespace {

class HostClock final : public Clock {
 public:
  explicit HostClock(const convoy_broker_host& host) : host_(host) {}

  absl::Time Now() override { return absl::FromUnixMicros(host_.now_us(host_.host)); }
  absl::Time SteadyNow() override { return absl::FromUnixMicros(host_.steady_us(host_.host)); }

 private:
  const convoy_broker_host host_;
};

class HostObserver final : public Observer {
 public:
  explicit HostObserver(const convoy_broker_host& host) : host_(host) {}

  void Log(LogLevel level, std::string_view event, std::span<const LogField> fields) override {
    std::string detail;
    for (const LogField& field : fields) {
      absl::StrAppend(&detail, detail.empty() ? "" : ", ", field.key, ": ", field.value);
    }
    host_.log(host_.host, static_cast<uint32_t>(level), std::string(event).c_str(), detail.c_str());
  }

 private:
  const convoy_broker_host host_;
};

// An environment on the functions that the gateway has lent. Does not move.
class Lent {
 public:
  explicit Lent(const convoy_broker_host& host) : clock_(host), observer_(host) {
    environment_ = {.clock = &clock_, .random = random_.get(), .observer = &observer_};
    for (size_t i = 0; i < host.allowed_networks_count; ++i) {
      environment_.allowed_networks.emplace_back(TextOf(host.allowed_networks[i]));
    }
  }
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;

  const BrokerEnvironment& environment() const { return environment_; }

 private:
  HostClock clock_;
  HostObserver observer_;
  const std::unique_ptr<Random> random_ = NewSystemRandom();
  BrokerEnvironment environment_;
};

absl::StatusOr<Source> SourceOf(const convoy_broker_source& given) {
  absl::StatusOr<BrokerConfig> config = DecodeBrokerSettings(TextOf(given.settings));
  if (!config.ok()) return config.status();
  return Source{.id = std::string(TextOf(given.source_id)),
                .project_id = std::string(TextOf(given.project_id)),
                .type = SourceType::kPubSub,
                .broker = *std::move(config)};
}

// Runs the body of a function of the table.
template <typename Body>
convoy_status Guarded(convoy_failure* failure, Body body) noexcept {
  try {
    return Report(body(), failure);
  } catch (const std::bad_alloc&) {
    return CONVOY_E_NO_MEMORY;
  } catch (...) {
    return CONVOY_E_INTERNAL;
  }
}

// A consumer together with its table, which the gateway sees.
struct ExportedConsumer {
  convoy_consumer table = {};
  std::unique_ptr<Lent> lent;
  std::unique_ptr<BrokerConsumer> consumer;
};

BrokerConsumer& ConsumerOf(void* self) { return *static_cast<ExportedConsumer*>(self)->consumer; }

void Close(void* self) { delete static_cast<ExportedConsumer*>(self); }

convoy_status Poll(void* self, uint32_t messages_max, uint64_t bytes_max, uint64_t patience_ms,
                   convoy_message_fn emit, void* sink, convoy_failure* failure) {
  return Guarded(failure, [&]() -> absl::Status {
    auto messages = ConsumerOf(self).Poll({.messages_max = messages_max, .bytes_max = bytes_max},
                                          absl::Milliseconds(static_cast<int64_t>(patience_ms)));
    if (!messages.ok()) return messages.status();
    for (const BrokerMessage& message : *messages) {
      const LentMessage lent(message);
      emit(sink, lent.view());
    }
    return absl::OkStatus();
  });
}

// Adapters know a message by its tag.
std::vector<BrokerMessage> MessagesOf(const uint64_t* tags, size_t count) {
  std::vector<BrokerMessage> messages(count);
  for (size_t i = 0; i < count; ++i) messages[i].tag = tags[i];
  return messages;
}

convoy_status Acknowledge(void* self, const uint64_t* tags, size_t count, convoy_failure* failure) {
  return Guarded(failure, [&] { return ConsumerOf(self).Acknowledge(MessagesOf(tags, count)); });
}

convoy_status Extend(void* self, const uint64_t* tags, size_t count, convoy_failure* failure) {
  return Guarded(failure, [&] { return ConsumerOf(self).Extend(MessagesOf(tags, count)); });
}

uint64_t ExtensionIntervalMs(void* self) {
  const absl::Duration interval = ConsumerOf(self).extension_interval();
  if (interval == absl::InfiniteDuration()) return 0;
  return static_cast<uint64_t>(std::max<int64_t>(absl::ToInt64Milliseconds(interval), 1));
}

void AskLag(void* self) {
  Guarded(nullptr, [&] {
    ConsumerOf(self).AskLag();
    return absl::OkStatus();
  });
}

convoy_status Lag(void* self, uint64_t* out_count, int64_t* out_at_us, convoy_failure* failure) {
  return Guarded(failure, [&] {
    const absl::StatusOr<BrokerLag> lag = ConsumerOf(self).lag();
    if (!lag.ok()) return lag.status();
    *out_count = lag->messages_count;
    *out_at_us = absl::ToUnixMicros(lag->at);
    return absl::OkStatus();
  });
}

int32_t IsLagShared(void* self) { return ConsumerOf(self).is_lag_shared(); }

convoy_status PublishDeadLetter(void* self, const convoy_message* message, const char* reason,
                                size_t reason_size, convoy_failure* failure) {
  return Guarded(failure, [&] {
    return ConsumerOf(self).PublishDeadLetter(CopyMessage(*message), TextOf({reason, reason_size}));
  });
}

void Interrupt(void* self) { ConsumerOf(self).Interrupt(); }

convoy_consumer ConsumerTable(ExportedConsumer* self) {
  return {.struct_size = sizeof(convoy_consumer),
          .self = self,
          .close = &Close,
          .poll = &Poll,
          .acknowledge = &Acknowledge,
          .interrupt = &Interrupt,
          .extend = &Extend,
          .extension_interval_ms = &ExtensionIntervalMs,
          .ask_lag = &AskLag,
          .lag = &Lag,
          .is_lag_shared = &IsLagShared,
          .publish_dead_letter = &PublishDeadLetter};
}

convoy_status Open(void* self, const convoy_broker_source* source, const convoy_broker_host* host,
                   const convoy_consumer** out_consumer, convoy_failure* failure) {
  return Guarded(failure, [&]() -> absl::Status {
    *out_consumer = nullptr;
    const convoy_broker_source given = CopyTable(*source);
    absl::StatusOr<Source> decoded = SourceOf(given);
    if (!decoded.ok()) return decoded.status();
    auto exported = std::make_unique<ExportedConsumer>();
    exported->lent = std::make_unique<Lent>(CopyTable(*host));
    auto opened = static_cast<Broker*>(self)->Open(*decoded, TextOf(given.consumer_id),
                                                   exported->lent->environment());
    if (!opened.ok()) return opened.status();
    exported->consumer = *std::move(opened);
    exported->table = ConsumerTable(exported.get());
    *out_consumer = &exported.release()->table;
    return absl::OkStatus();
  });
}

convoy_status Check(void* self, const convoy_broker_source* source, const convoy_broker_host* host,
                    convoy_failure* failure) {
  return Guarded(failure, [&]() -> absl::Status {
    const absl::StatusOr<Source> decoded = SourceOf(CopyTable(*source));
    if (!decoded.ok()) return decoded.status();
    const Lent lent(CopyTable(*host));
    return static_cast<Broker*>(self)->Check(*decoded, lent.environment());
  });
}

// Static data of a plug-in would be destroyed while threads of its client library still run.
void KeepForEver(std::shared_ptr<Broker> broker) {
  static auto* const mutex = new absl::Mutex;
  static auto* const all = new std::vector<std::shared_ptr<Broker>>;
  absl::MutexLock lock(mutex);
  all->push_back(std::move(broker));
}

}  // namespace

convoy_broker ExportBroker(std::shared_ptr<Broker> broker) {
  Broker* const exported = broker.get();
  KeepForEver(std::move(broker));
  return {.struct_size = sizeof(convoy_broker),
          .self = exported,
          .type = exported->type().data(),
          .open = &Open,
          .check = &Check};
}

}  // namespace convoy::capi
