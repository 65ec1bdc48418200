// Entry points that take parts of the host, and their way into a gateway.
#include "capi/host_parts.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"

#include "capi/plugin/loader.h"

namespace convoy::capi {
namespace {

// As in `pub_sub` of the REST API.
constexpr std::string_view kBrokerTypes[] = {"sqs", "google", "kafka", "amqp"};

// Shared by the entry points: from a table that can be read on, what is behind it is owned.
template <typename PartOfHost, typename Table>
convoy_status TakePart(const Table* table, std::string_view name,
                       std::shared_ptr<const PartOfHost>* out, convoy_error** error) {
  const absl::Status checked = CheckTable(table, name, sizeof(Table));
  if (!checked.ok() && !absl::IsUnimplemented(checked)) return FailPart(error, checked);
  auto part = std::make_shared<const PartOfHost>(CopyTable(*table));
  if (!checked.ok()) return FailPart(error, checked);
  if (const absl::Status complete = CheckComplete(**part); !complete.ok()) {
    return FailPart(error, complete);
  }
  *out = std::move(part);
  return CONVOY_OK;
}

ReportDefect DefectReporter(std::string_view part, const std::shared_ptr<Observer>& observer) {
  return [part = std::string(part), observer](std::string_view defect) {
    if (observer == nullptr) return;
    const LogField fields[] = {{"part", part}, {"detail", defect}};
    observer->Log(LogLevel::kError, "a part of the host breaks its contract", fields);
  };
}

convoy_status AddTransport(const convoy_config& config, const Engine& engine,
                           convoy::GatewayParts* parts, convoy_error** error) {
  if (config.transport->is_taken.exchange(true)) {
    return Fail(error, CONVOY_E_STATE, "transport: another gateway uses it");
  }
  auto transport = std::make_unique<CTransport>(config.transport, &engine,
                                                DefectReporter("transport", parts->observer));
  if (transport->wake_fd() < 0) {
    return Fail(error, CONVOY_E_INVALID, "transport.wake_fd: returned no descriptor");
  }
  parts->transport = std::move(transport);
  return CONVOY_OK;
}

convoy_status AddPlugins(const convoy_config& config, const Engine& engine,
                         convoy::GatewayParts* parts, convoy_error** error) {
  for (const std::string& name : config.adapters) {
    const absl::StatusOr<convoy_broker> broker = LoadAdapter(name, config.adapters_folder);
    if (!broker.ok()) {
      return FailPart(error,
                      absl::Status(broker.status().code(),
                                   absl::StrCat("broker.adapters: ", broker.status().message())));
    }
    parts->brokers.push_back(std::make_shared<CBroker>(
        std::make_shared<BrokerPart>(*broker), &engine, DefectReporter(name, parts->observer)));
  }
  return CONVOY_OK;
}

}  // namespace

convoy_status FailPart(convoy_error** error, const absl::Status& status) {
  return absl::IsUnimplemented(status) ? Fail(error, CONVOY_E_UNSUPPORTED, status.message())
                                       : Fail(error, status);
}

convoy_status AddHostParts(const convoy_config& config, const Engine& engine,
                           convoy::GatewayParts* parts, convoy_error** error) {
  if (config.clock != nullptr) parts->clock = std::make_shared<CClock>(config.clock, &engine);
  if (config.transport != nullptr) {
    if (const convoy_status added = AddTransport(config, engine, parts, error)) return added;
  }
  // The first one of a type is used: the host's own before a plug-in.
  for (const auto& broker : config.brokers) {
    parts->brokers.push_back(std::make_shared<CBroker>(
        broker, &engine, DefectReporter((*broker)->type, parts->observer)));
  }
  return AddPlugins(config, engine, parts, error);
}

}  // namespace convoy::capi

using convoy::capi::BrokerPart;
using convoy::capi::Fail;
using convoy::capi::FailNull;
using convoy::capi::Guard;
using convoy::capi::TakePart;

namespace {

// Sets a part of the configuration to a copy of what the host gives, or, if that is null, to none.
template <typename Part, typename Given>
convoy_status SetPart(convoy_config* config, std::shared_ptr<const Part> convoy_config::*part,
                      const Given* given, const char* name, convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    std::shared_ptr<const Part> taken;
    if (given != nullptr) {
      if (const convoy_status status = TakePart(given, name, &taken, error)) return status;
    }
    if (config == nullptr) return FailNull(error, "config");
    config->*part = std::move(taken);
    return CONVOY_OK;
  });
}

}  // namespace

convoy_status convoy_config_set_clock(convoy_config* config, const convoy_clock* clock,
                                      convoy_error** error) {
  return SetPart(config, &convoy_config::clock, clock, "clock", error);
}

convoy_status convoy_config_set_transport(convoy_config* config, const convoy_transport* transport,
                                          convoy_error** error) {
  return SetPart(config, &convoy_config::transport, transport, "transport", error);
}

convoy_status convoy_config_set_storage(convoy_config* config, const convoy_storage* storage,
                                        convoy_error** error) {
  return SetPart(config, &convoy_config::storage, storage, "storage", error);
}

convoy_status convoy_config_add_broker(convoy_config* config, const convoy_broker* broker,
                                       convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    std::shared_ptr<const BrokerPart> part;
    if (const convoy_status taken = TakePart(broker, "broker", &part, error)) return taken;
    if (config == nullptr) return FailNull(error, "config");
    const std::string_view type = (*part)->type;
    if (std::find(std::begin(convoy::capi::kBrokerTypes), std::end(convoy::capi::kBrokerTypes),
                  type) == std::end(convoy::capi::kBrokerTypes)) {
      return Fail(error, CONVOY_E_INVALID, "broker.type: must be sqs, google, kafka or amqp");
    }
    std::erase_if(config->brokers, [&](const auto& other) { return (*other)->type == type; });
    config->brokers.push_back(std::move(part));
    return CONVOY_OK;
  });
}
