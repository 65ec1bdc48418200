// The settings of `convoyd serve` and where they come from.
//
// Each setting has one name in three spellings: --listen, CONVOYD_LISTEN, {"listen": …}. A flag
// wins over the environment, the environment over the file, the file over the default. A name that
// no setting has is an error in each of the three.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/observer.h"
#include "convoy/options.h"
#include "examples/convoyd/arguments.h"

namespace convoyd {

// Of sources of Amazon SQS that give no access key: they are refused, or have this process's.
enum class SqsCredentials : uint8_t { kNone, kEnvironment };

struct Settings {
  std::string listen_address = "127.0.0.1";
  uint16_t listen_port = 5005;
  convoy::GatewayOptions options;  // its numeric settings; the others are below
  std::string database = "convoy.db";
  bool has_database = false;  // it is not the default
  std::string public_url;     // empty: derived from where the server listens
  uint32_t workers = 0;       // 0: one for each processor
  std::vector<std::string> allowed_networks;
  convoy::LogLevel log_level = convoy::LogLevel::kInfo;
  bool has_ui = false;
  std::string ui_prefix = "/ui";
  std::vector<std::string> ui_frame_origins;
  std::string otlp_endpoint;  // empty: spans are not exported
  std::string otlp_headers_file;
  std::string otlp_ca_file;
  std::string tls_cert;
  std::string tls_key;
  convoy::MetricsAccess metrics_access = convoy::MetricsAccess::kNobody;
  std::string metrics_token_file;
  std::string secrets_key_file;  // empty: secrets are not encrypted in the store
  std::string former_secrets_key_file;
  std::string mail_server;  // empty: no e-mail is sent
  std::string mail_from;
  std::string mail_user;
  std::string mail_password_file;
  SqsCredentials sqs_credentials = SqsCredentials::kNone;
  std::map<std::string, std::string> outboxes;  // files and connection URIs by name
  bool should_create_outboxes = false;
  uint32_t connections_max = 10'000;
  uint32_t connections_per_address_max = 0;        // 0: half of connections_max
  uint64_t body_memory_bytes_max = 0;              // 0: see BodyMemoryOf
  uint64_t body_memory_per_address_bytes_max = 0;  // 0: half of the above
  uint32_t descriptors_reserved = 64;
  uint32_t request_line_bytes_max = 8 * 1024;
  uint32_t head_bytes_max = 32 * 1024;
  uint32_t headers_max = 100;
  std::string ca_file;         // empty: the system's authorities
  std::string delivery_proxy;  // empty: none
  bool has_delivery_http2 = true;
  std::chrono::milliseconds head_timeout{10'000};
  std::chrono::milliseconds read_timeout{120'000};
  uint32_t rate_bytes_per_s_min = 1024;
  std::chrono::milliseconds idle_timeout{75'000};
  std::chrono::milliseconds drain_timeout{10'000};
};

// The memory of bodies on their way, in all and of one address: what is set, or what lets a few of
// the largest bodies come in at once.
struct BodyMemoryBounds {
  uint64_t total_bytes_max = 0;
  uint64_t per_address_bytes_max = 0;
};
BodyMemoryBounds BodyMemoryOf(const Settings& settings);

// The flags of all settings, without dashes, "config" included.
std::vector<std::string> SettingFlags();

// The lines of --help that describe the settings; only those named in `flags`, all if it is empty.
std::string SettingsHelp(std::span<const std::string> flags);

struct LoadedSettings {
  bool is_help_wanted = false;
  Settings settings;
  std::vector<Argument> others;  // flags that are the command's own
};

// Reads flags (only those in `flags`, all settings if it is empty), the environment and the file.
// Errors are kInvalidArgument and name the setting and its source.
absl::StatusOr<LoadedSettings> LoadSettings(std::span<char* const> words,
                                            std::span<const std::string> flags,
                                            char* const* environment);

}  // namespace convoyd
