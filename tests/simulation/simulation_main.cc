// Plays simulated runs: --seeds N (default 200) of them from --first (default 1), or one with
// --seed N. Exits with 1 at the first that breaks a guarantee. --canary NAME breaks one on purpose.
#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/strings/numbers.h"

#include "tests/simulation/repeatable.h"
#include "tests/simulation/simulator.h"

namespace {

using convoy::simulation::Canary;
using convoy::simulation::Figures;

constexpr std::pair<std::string_view, Canary> kCanaries[] = {
    {"events", Canary::kEvents},     {"rates", Canary::kRates},       {"order", Canary::kOrder},
    {"pauses", Canary::kPauses},     {"progress", Canary::kProgress}, {"modes", Canary::kModes},
    {"breakers", Canary::kBreakers}, {"retries", Canary::kRetries},   {"claims", Canary::kClaims},
    {"disabled", Canary::kDisabled},
};

std::string NamesOfCanaries() {
  std::string names;
  for (const auto& [name, canary] : kCanaries) {
    if (!names.empty()) names += "|";
    names += name;
  }
  return names;
}

Canary CanaryOf(std::string_view name) {
  for (const auto& [known, canary] : kCanaries) {
    if (known == name) return canary;
  }
  return Canary::kNone;
}

// In a process of its own. Returns 1, and has told why, if it breaks a guarantee.
int Play(uint64_t seed, Canary canary, Figures& out_figures) {
  convoy::simulation::Simulator simulator(seed, canary);
  const std::string failure = simulator.Run();
  if (failure.empty()) {
    out_figures = simulator.figures();
    return 0;
  }
  std::fprintf(stderr, "seed %ju: %s\n", static_cast<uintmax_t>(seed), failure.c_str());
  return 1;
}

void Add(const Figures& figures, Figures& sum) {
  sum.events_accepted += figures.events_accepted;
  sum.events_duplicate += figures.events_duplicate;
  sum.requests_arrived += figures.requests_arrived;
  sum.processes += figures.processes;
  sum.deliveries_succeeded += figures.deliveries_succeeded;
  sum.deliveries_failed += figures.deliveries_failed;
  sum.events_pruned += figures.events_pruned;
  sum.jobs += figures.jobs;
  sum.chunks += figures.chunks;
  sum.batches += figures.batches;
  sum.breakers_opened += figures.breakers_opened;
  sum.unknown_outcomes += figures.unknown_outcomes;
  sum.endpoints_disabled += figures.endpoints_disabled;
}

// Figures that a process of a run can write.
Figures* SharedFigures() {
  static_assert(std::is_trivially_copyable_v<Figures>);
  void* const shared =
      mmap(nullptr, sizeof(Figures), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return shared == MAP_FAILED ? nullptr : static_cast<Figures*>(shared);
}

}  // namespace

int main(int argc, char** argv) {
  convoy::simulation::FixAddresses(argv);
  uint64_t first = 1;
  uint64_t count = 200;
  std::string canary_name;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--canary" && i + 1 < argc && CanaryOf(argv[i + 1]) != Canary::kNone) {
      canary_name = argv[++i];
      continue;
    }
    uint64_t value = 0;
    const bool has_value = i + 1 < argc && absl::SimpleAtoi(argv[++i], &value);
    if (!has_value || (name != "--seed" && name != "--seeds" && name != "--first")) {
      std::fprintf(stderr, "usage: %s [--seed N | --first N --seeds N] [--canary %s]\n", argv[0],
                   NamesOfCanaries().c_str());
      return 2;
    }
    if (name == "--seeds") {
      count = value;
    } else {
      first = value;
      if (name == "--seed") count = 1;
    }
  }

  Figures sum;
  Figures* const figures = SharedFigures();
  if (figures == nullptr) {
    std::perror("no memory to share");
    return 1;
  }
  for (uint64_t seed = first; seed < first + count; ++seed) {
    const auto play = [&] { return Play(seed, CanaryOf(canary_name), *figures); };
    if (convoy::simulation::RunApart(play) != 0) {
      std::fprintf(stderr, "replay: %s --seed %ju%s%s\n", argv[0], static_cast<uintmax_t>(seed),
                   canary_name.empty() ? "" : " --canary ", canary_name.c_str());
      return 1;
    }
    Add(*figures, sum);
  }
  std::printf(
      "%ju runs, %ju processes: %ju events accepted, %ju duplicates, %ju requests arrived, "
      "%ju deliveries succeeded, %ju failed or discarded, "
      "%ju events pruned, %ju jobs, %ju chunks, %ju batches, %ju breakers opened, "
      "%ju outcomes unknown, %ju endpoints disabled\n",
      static_cast<uintmax_t>(count), static_cast<uintmax_t>(sum.processes),
      static_cast<uintmax_t>(sum.events_accepted), static_cast<uintmax_t>(sum.events_duplicate),
      static_cast<uintmax_t>(sum.requests_arrived),
      static_cast<uintmax_t>(sum.deliveries_succeeded),
      static_cast<uintmax_t>(sum.deliveries_failed), static_cast<uintmax_t>(sum.events_pruned),
      static_cast<uintmax_t>(sum.jobs), static_cast<uintmax_t>(sum.chunks),
      static_cast<uintmax_t>(sum.batches), static_cast<uintmax_t>(sum.breakers_opened),
      static_cast<uintmax_t>(sum.unknown_outcomes), static_cast<uintmax_t>(sum.endpoints_disabled));
  return 0;
}
