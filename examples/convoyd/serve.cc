// `convoyd serve`: opens the store, starts the gateway and the server, waits for SIGTERM, drains.
//
// Order of the end: no new connections, the gateway finishes what it has, connections end, threads
// stop. All of it within drain_timeout_ms; then the last spans are exported, in 2 s at most.
#include <malloc.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "convoy/gateway.h"
#include "examples/convoyd/brokers.h"
#include "examples/convoyd/commands.h"
#include "examples/convoyd/database.h"
#include "examples/convoyd/descriptors.h"
#include "examples/convoyd/dev.h"
#include "examples/convoyd/files.h"
#include "examples/convoyd/json_text.h"
#include "examples/convoyd/log.h"
#include "examples/convoyd/otlp.h"
#include "examples/convoyd/scripting.h"
#include "examples/convoyd/secrets_keys.h"
#include "examples/convoyd/server.h"
#include "examples/convoyd/settings.h"
#include "examples/convoyd/ui.h"

namespace convoyd {
namespace {

// Spans are not worth a long wait for a collector that is away.
constexpr std::chrono::milliseconds kSpanPatience{2000};

// SIGTERM and SIGINT are blocked before any thread starts, so that only Wait receives them.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  void Wait() {
    int signal = 0;
    sigwait(&set_, &signal);
    // A second signal ends the process at once.
    pthread_sigmask(SIG_UNBLOCK, &set_, nullptr);
  }

 private:
  sigset_t set_;
};

std::string PublicUrl(const Settings& settings, const Server& server) {
  if (!settings.public_url.empty()) return settings.public_url;
  std::string address = server.address();
  // A wildcard is no address to call.
  const size_t colon = address.rfind(':');
  const std::string host = address.substr(0, colon);
  if (host == "0.0.0.0" || host == "[::]")
    address = absl::StrCat("localhost", address.substr(colon));
  return absl::StrCat(settings.tls_cert.empty() ? "http://" : "https://", address);
}

// A buffer of a large body or answer goes back to the system when it is freed. glibc by itself
// learns from the first such one to keep them, which takes half as much memory again under load
// (https://man7.org/linux/man-pages/man3/mallopt.3.html, M_MMAP_THRESHOLD).
void GiveLargeBuffersBack() {
#ifdef M_MMAP_THRESHOLD
  constexpr int kLargeBytes = 512 * 1024;
  mallopt(M_MMAP_THRESHOLD, kLargeBytes);
#endif
}

// Makes connections and deliveries fit into the descriptors that this process may have.
void FitDescriptors(Settings& settings, LogObserver& log) {
  const DescriptorPlan wanted{.connections_max = settings.connections_max,
                              .in_flight_max = settings.options.in_flight_max};
  const uint64_t limit =
      RaiseDescriptorLimit(DescriptorsNeeded(settings.descriptors_reserved, wanted));
  const DescriptorPlan plan = DivideDescriptors(limit, settings.descriptors_reserved, wanted);
  if (plan.connections_max < wanted.connections_max || plan.in_flight_max < wanted.in_flight_max) {
    const std::string limit_text = absl::StrCat(limit);
    const std::string connections = absl::StrCat(plan.connections_max);
    const std::string in_flight = absl::StrCat(plan.in_flight_max);
    const convoy::LogField fields[] = {
        {"limit", limit_text}, {"connections_max", connections}, {"in_flight_max", in_flight}};
    log.Log(convoy::LogLevel::kWarning, "fewer descriptors than the settings need", fields);
  }
  settings.connections_max = plan.connections_max;
  settings.options.in_flight_max = plan.in_flight_max;
}

ConnectionLimits LimitsOf(const Settings& settings) {
  const BodyMemoryBounds memory = BodyMemoryOf(settings);
  const uint32_t per_address = settings.connections_per_address_max;
  return {.connections_max = settings.connections_max,
          .connections_per_address_max =
              per_address > 0 ? per_address : std::max(settings.connections_max / 2, 1u),
          .body_memory_bytes_max = memory.total_bytes_max,
          .body_memory_per_address_bytes_max = memory.per_address_bytes_max};
}

absl::StatusOr<std::unique_ptr<Server>> Listen(const Settings& settings, LogObserver* log) {
  const uint32_t processors = std::max(std::thread::hardware_concurrency(), 1u);
  return Server::Listen(
      {.address = settings.listen_address,
       .port = settings.listen_port,
       .workers = settings.workers > 0 ? settings.workers : processors,
       .limits = LimitsOf(settings),
       .tls_cert = settings.tls_cert,
       .tls_key = settings.tls_key,
       .session = {.framing = {.request_line_bytes_max = settings.request_line_bytes_max,
                               .head_bytes_max = settings.head_bytes_max,
                               .headers_max = settings.headers_max},
                   .head_timeout = settings.head_timeout,
                   .read_timeout = settings.read_timeout,
                   .idle_timeout = settings.idle_timeout,
                   .rate_bytes_per_s_min = settings.rate_bytes_per_s_min},
       .observer = log});
}

absl::StatusOr<std::unique_ptr<convoy::Gateway>> OpenGateway(
    const Settings& settings, std::string public_url, std::shared_ptr<LogObserver> log,
    std::shared_ptr<convoy::SpanSink> spans) {
  convoy::GatewayOptions options = settings.options;
  if (settings.metrics_access == convoy::MetricsAccess::kToken) {
    auto token = ReadSecretFile(settings.metrics_token_file);
    if (!token.ok()) return token.status();
    options.metrics_token = *std::move(token);
  }
  options.metrics_access = settings.metrics_access;
  if (auto status = ReadSecretsKeys(settings, options); !status.ok()) return status;
  options.mail_server = settings.mail_server;
  options.mail_from = settings.mail_from;
  options.mail_user = settings.mail_user;
  if (!settings.mail_password_file.empty()) {
    auto password = ReadSecretFile(settings.mail_password_file);
    if (!password.ok()) return password.status();
    options.mail_password = *std::move(password);
  }
  convoy::GatewayParts parts;
  auto storage = OpenDatabase(settings.database, log);
  if (!storage.ok()) return storage.status();
  parts.storage = *std::move(storage);
  parts.observer = std::move(log);
  parts.spans = std::move(spans);
  auto brokers = NewBrokers(settings, environ);
  if (!brokers.ok()) return brokers.status();
  parts.brokers = *std::move(brokers);
  auto scripting = NewScripting();
  if (!scripting.ok()) return scripting.status();
  parts.scripting = *std::move(scripting);
  options.public_url = std::move(public_url);
  options.allowed_networks = settings.allowed_networks;
  options.ca_file = settings.ca_file;
  options.delivery_proxy = settings.delivery_proxy;
  options.has_http2 = settings.has_delivery_http2;
  return convoy::Gateway::Open(std::move(options), std::move(parts));
}

void DrainAll(Server& server, convoy::Gateway& gateway, LogObserver& log,
              std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  server.Drain();
  const absl::Status closed = gateway.Close(absl::FromChrono(patience));
  if (!closed.ok()) {
    const convoy::LogField field{"error", closed.message()};
    log.Log(convoy::LogLevel::kWarning, "drain incomplete", {&field, 1});
  }
  server.Stop(deadline);
}

// Said before anything listens.
void WarnOfTrial(const Settings& settings, LogObserver& log) {
  const std::string database = ShownDatabase(settings.database);
  const convoy::LogField fields[] = {
      {"allowed", "deliveries, key fetches and brokers may connect to 127.0.0.0/8 and ::1"},
      {"receiver", "/dev/receiver takes and shows deliveries without a key"},
      {"key", "the key of the instance is printed, and kept in a file beside the database"},
      {"listens", "on this machine only"},
      {"database", database}};
  log.Log(convoy::LogLevel::kWarning, "--dev is not for production", fields);
}

int Serve(Settings settings, bool is_trial) {
  StopSignals signals;
  const auto log = std::make_shared<LogObserver>(settings.log_level);
  TrialFolder folder;
  if (is_trial) {
    if (const absl::Status status = PrepareTrial(settings, folder); !status.ok()) {
      return Fail("serve", status, kExitUsage);
    }
    WarnOfTrial(settings, *log);
  }
  FitDescriptors(settings, *log);
  auto server = Listen(settings, log.get());
  if (!server.ok()) return Fail("serve", server.status(), kExitFailed);
  const std::string public_url = PublicUrl(settings, **server);
  const auto spans = NewSpanExporter(settings, log);
  if (!spans.ok()) return Fail("serve", spans.status(), kExitUsage);
  auto gateway = OpenGateway(settings, public_url, log, *spans);
  if (!gateway.ok()) return Fail("serve", gateway.status(), kExitFailed);
  if (const absl::Status status = (*gateway)->Start(); !status.ok()) {
    return Fail("serve", status, kExitFailed);
  }
  const auto trial = is_trial ? NewTrialGateway(gateway->get()) : nullptr;
  convoy::Gateway* const served = is_trial ? trial.get() : gateway->get();
  const auto ui = NewUi(settings, public_url, served);
  if (!ui.ok()) return Fail("serve", ui.status(), kExitUsage);
  absl::StatusOr<std::string> commands{std::string()};
  if (is_trial) {
    commands = MakeTrial(**gateway, settings, absl::StrCat("http://", (*server)->address()));
  }
  if (!commands.ok()) return Fail("serve", commands.status(), kExitFailed);
  (*server)->Start(*ui != nullptr ? ui->get() : served);

  const std::string address = (*server)->address();
  Print(JsonLine().Add("listening", address).Take());
  if (is_trial) Print(absl::StrCat("\n", *commands));
  const std::string database = ShownDatabase(settings.database);
  const std::string_view ui_place = settings.has_ui ? std::string_view(settings.ui_prefix) : "off";
  const convoy::LogField started[] = {
      {"listening", address}, {"database", database}, {"public_url", public_url}, {"ui", ui_place}};
  log->Log(convoy::LogLevel::kInfo, "started", started);

  signals.Wait();
  log->Log(convoy::LogLevel::kInfo, "draining", {});
  DrainAll(**server, **gateway, *log, settings.drain_timeout);
  gateway->reset();
  CloseSpanExporter(spans->get(), std::min(settings.drain_timeout, kSpanPatience), *log);
  log->LogCounters();
  log->Log(convoy::LogLevel::kInfo, "stopped", {});
  return kExitDone;
}

}  // namespace

int RunServe(std::span<char* const> words) {
  // A flag without a value; no setting, so that no file or environment turns it on.
  std::vector<char*> others(words.begin(), words.end());
  const bool is_trial =
      std::erase_if(others, [](const char* word) { return std::string_view(word) == "--dev"; }) > 0;
  SpellOutUi(others);
  const auto loaded = LoadSettings(others, {}, environ);
  if (!loaded.ok()) return Fail("serve", loaded.status(), kExitUsage);
  if (loaded->is_help_wanted) {
    Print(absl::StrCat(
        "convoyd serve: receive, store and deliver webhooks\n\n"
        "`convoyd serve --dev` is a trial on this machine: it makes a project for each direction,\n"
        "prints commands that try both, and delivers to local addresses. Not for production.\n\n",
        SettingsHelp({}),
        "\nThe first line of standard output is {\"listening\":\"ADDRESS:PORT\"}; logs are JSON\n"
        "lines on standard error. SIGTERM and SIGINT finish what is in flight, at most\n"
        "--drain-timeout-ms, and exit with 0; a second one ends the process at once.\n"));
    return kExitDone;
  }
  GiveLargeBuffersBack();
  return Serve(loaded->settings, is_trial);
}

}  // namespace convoyd
