// The table, and access to fields by pointers to members.
#include "convoy/option_table.h"

#include <algorithm>
#include <iterator>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace convoy {
namespace {

using Unit = NumericOption::Unit;

constexpr uint64_t kSecond = 1000;
constexpr uint64_t kDay = 24 * 3600 * kSecond;
constexpr uint64_t kAges = UINT32_MAX * kSecond;
constexpr uint64_t kMillion = 1'000'000;
constexpr uint64_t kTebi = uint64_t{1} << 40;

template <auto kField>
uint64_t Get(const GatewayOptions& options) {
  const auto& value = options.*kField;
  if constexpr (std::is_same_v<std::decay_t<decltype(value)>, absl::Duration>) {
    if (value == absl::InfiniteDuration()) return 0;
    // Less than a millisecond is no valid value of any of them; neither is this.
    return value < absl::Milliseconds(1) ? UINT64_MAX : absl::ToInt64Milliseconds(value);
  } else {
    return value;
  }
}

template <auto kField>
void Set(GatewayOptions& options, uint64_t value) {
  using Field = std::decay_t<decltype(options.*kField)>;
  if constexpr (std::is_same_v<Field, absl::Duration>) {
    options.*kField = value == 0 ? absl::InfiniteDuration() : absl::Milliseconds(value);
  } else {
    options.*kField = static_cast<Field>(value);
  }
}

template <auto kField>
constexpr NumericOption Option(std::string_view name, Unit unit, uint64_t least, uint64_t most,
                               std::string_view help, bool is_endless_at_zero = false) {
  return {name, unit, least, most, is_endless_at_zero, help, Get<kField>, Set<kField>};
}

using O = GatewayOptions;
constexpr bool kOrForEver = true;

constexpr NumericOption kOptions[] = {
    Option<&O::body_bytes_max>("body_bytes_max", Unit::kBytes, 1, 1 << 30,
                               "largest request body, also if a project allows more"),
    Option<&O::in_flight_max>("in_flight_max", Unit::kNumber, 0, kMillion,
                              "deliveries on their way at once; 0: this process delivers nothing"),
    Option<&O::in_flight_per_endpoint_max>("in_flight_per_endpoint_max", Unit::kNumber, 1, kMillion,
                                           "deliveries on their way to one endpoint"),
    Option<&O::in_flight_bytes_max>("in_flight_bytes_max", Unit::kBytes, 1024, uint64_t{1} << 40,
                                    "bodies of deliveries that are on their way or next"),
    Option<&O::connections_max>("connections_max", Unit::kNumber, 0, kMillion,
                                "connections to endpoints at once; 0: as many as in_flight_max"),
    Option<&O::connection_idle_max>("connection_idle_max", Unit::kMilliseconds, kSecond, kDay,
                                    "how long an idle connection to an endpoint is kept"),
    Option<&O::connection_age_max>("connection_age_max", Unit::kMilliseconds, kSecond, kDay,
                                   "how long a connection to an endpoint is used"),
    Option<&O::name_age_max>("name_age_max", Unit::kMilliseconds, kSecond, kDay,
                             "how long the address of an endpoint's name is believed"),
    Option<&O::outcomes_max>("outcomes_max", Unit::kNumber, 0, kMillion,
                             "outcomes that wait for the host; 0 keeps none"),
    Option<&O::lease>("lease", Unit::kMilliseconds, kSecond, kDay,
                      "how long a claimed delivery is kept from other processes; no attempt takes "
                      "longer"),
    Option<&O::dedupe_window>("dedupe_window", Unit::kMilliseconds, 1, kAges,
                              "how long idempotency keys are remembered", kOrForEver),
    Option<&O::redelivery_window>("redelivery_window", Unit::kMilliseconds, 1, kAges,
                                  "how long redelivery ids of brokers' messages are remembered, so "
                                  "that they are known when they "
                                  "come again",
                                  kOrForEver),
    Option<&O::retention>("retention", Unit::kMilliseconds, 1, kAges,
                          "how long events are kept, with their deliveries, until those have ended "
                          "at least",
                          kOrForEver),
    Option<&O::dead_letters_max>("dead_letters_max", Unit::kNumber, 0, kMillion,
                                 "dead letters kept of one source; 0 keeps all"),
    Option<&O::quarantine_inputs_max>("quarantine_inputs_max", Unit::kNumber, 1, kMillion,
                                      "refused requests that a source in quarantine mode keeps"),
    Option<&O::quarantine_bytes_max>("quarantine_bytes_max", Unit::kBytes, 1, kTebi,
                                     "bytes of the bodies that it keeps, if all are as large as "
                                     "the latest"),
    Option<&O::quarantine_age>("quarantine_age", Unit::kMilliseconds, 1, kAges,
                               "how long it keeps them"),
    Option<&O::open_jobs_max>("open_jobs_max", Unit::kNumber, 2, 100'000,
                              "jobs of a project that are not done, such as fan-outs to many "
                              "endpoints; beyond it is 429"),
    Option<&O::held_inputs_max>("held_inputs_max", Unit::kNumber, 1, 100 * kMillion,
                                "quarantined requests and dead letters kept in all; beyond it the "
                                "source that holds the most gives up its oldest"),
    Option<&O::held_bytes_max>("held_bytes_max", Unit::kBytes, 1, kTebi,
                               "bytes of their bodies and headers, in all"),
    Option<&O::hops_max>("hops_max", Unit::kNumber, 1, 100,
                         "gateways that an event may have passed before it is refused as going in "
                         "circles"),
    Option<&O::answer_timeout>("answer_timeout", Unit::kMilliseconds, 1, kDay,
                               "how long an answer of the REST API may take, then it is 503"),
    Option<&O::answer_threads>("answer_threads", Unit::kNumber, 2, 64,
                               "threads for answers that may take long; one is kept for large "
                               "bodies that come in"),
    Option<&O::projects_cached_max>("projects_cached_max", Unit::kNumber, 1, kMillion,
                                    "projects kept in memory"),
    Option<&O::sources_cached_max>("sources_cached_max", Unit::kNumber, 1, 100 * kMillion,
                                   "sources kept in memory"),
};

std::string_view UnitName(Unit unit) {
  switch (unit) {
    case Unit::kBytes:
      return " bytes";
    case Unit::kMilliseconds:
      return " ms";
    case Unit::kNumber:
      break;
  }
  return "";
}

}  // namespace

std::span<const NumericOption> NumericOptions() { return kOptions; }

const NumericOption* FindNumericOption(std::string_view name) {
  const auto* const found =
      std::find_if(std::begin(kOptions), std::end(kOptions),
                   [&](const NumericOption& option) { return option.name == name; });
  return found == std::end(kOptions) ? nullptr : found;
}

std::string RangeOf(const NumericOption& option, uint64_t scale) {
  const uint64_t least = (option.least + scale - 1) / scale;
  return absl::StrCat(least, " to ", option.most / scale,
                      option.is_endless_at_zero ? ", or 0 for ever" : "");
}

absl::Status CheckNumericOptions(const GatewayOptions& options) {
  for (const NumericOption& option : kOptions) {
    if (option.Allows(option.get(options))) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(option.name, " must be ", RangeOf(option), UnitName(option.unit)));
  }
  return absl::OkStatus();
}

}  // namespace convoy
