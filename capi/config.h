// Settings by name, mapped to the gateway's options.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "capi/log.h"
#include "capi/parts/c_broker.h"
#include "capi/parts/c_clock.h"
#include "capi/parts/c_storage.h"
#include "capi/parts/c_transport.h"
#include "convoy/options.h"

struct convoy_config {
  std::string storage_path;  // or a URI (store.h); empty: in memory
  convoy::GatewayOptions options;
  std::string ui_prefix;  // empty: no pages are served
  std::vector<std::string> ui_frame_origins;
  uint64_t buffered_bytes_max = 256 * 1024 * 1024;  // of requests whose body is still coming
  std::map<std::string, std::string> outboxes;      // files or URIs by name
  bool should_create_outboxes = false;
  std::shared_ptr<const convoy::capi::LogCallback> log;  // null: silence
  uint32_t log_lines_max = 0;                            // that wait for convoy_gateway_next_log
  uint32_t log_level_least = CONVOY_LOG_INFO;            // of those lines

  // Of the host; null: the library's.
  std::shared_ptr<const convoy::capi::ClockPart> clock;
  std::shared_ptr<const convoy::capi::TransportPart> transport;
  std::shared_ptr<const convoy::capi::StoragePart> storage;
  std::vector<std::shared_ptr<const convoy::capi::BrokerPart>> brokers;
  // Plug-ins.
  std::vector<std::string> adapters;
  std::string adapters_folder;  // of all plug-ins; empty: that of the library
};
