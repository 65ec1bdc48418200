// `convoyd presets` and `convoyd version`: the presets and the version of this build.
#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"

#include "convoy/verifier.h"
#include "examples/convoyd/commands.h"

namespace convoyd {
namespace {

std::string Parameters(const convoy::PresetInfo& preset) {
  std::string text;
  for (const std::string& name : preset.parameters_needed)
    absl::StrAppend(&text, " --config ", name);
  for (const std::string& name : preset.parameters_used) {
    absl::StrAppend(&text, " [--config ", name, "]");
  }
  return text;
}

std::string Guarantees(const convoy::PresetInfo& preset) {
  std::string text = absl::StrCat("integrity ", convoy::IntegrityName(preset.integrity), ", ");
  if (preset.replay_window.has_value()) {
    absl::StrAppend(&text, "accepted again for ", absl::ToInt64Seconds(*preset.replay_window),
                    " s");
  } else {
    absl::StrAppend(&text, "accepted again at any time");
  }
  if (!preset.tenant.empty()) absl::StrAppend(&text, "; tenant ", preset.tenant);
  if (!preset.handshake.empty()) absl::StrAppend(&text, "; handshake ", preset.handshake);
  return text;
}

}  // namespace

int RunPresets(std::span<char* const> words) {
  constexpr std::string_view kHelp =
      "convoyd presets: list the providers that `convoyd verify --preset` knows, one on a line:\n"
      "its name, what --config it needs or may have in brackets, how much of a request is signed\n"
      "and how long the same request is accepted again, whose it is where the provider has one\n"
      "key for all of its customers, how it tries a link, how the facts are known and where they\n"
      "come from\n";
  if (const int code = ReadNoFlags("presets", words, kHelp); code >= 0) return code;
  const auto presets = convoy::ListPresets();
  size_t width = 0;
  for (const convoy::PresetInfo& preset : presets) width = std::max(width, preset.name.size());
  for (const convoy::PresetInfo& preset : presets) {
    std::string name(preset.name);
    name.resize(width, ' ');
    Print(absl::StrCat(name, "  ", preset.title, Parameters(preset), "; ", Guarantees(preset), "; ",
                       preset.evidence, ": ", absl::StrJoin(preset.sources, "; "), "\n"));
  }
  return kExitDone;
}

int RunVersion(std::span<char* const> words) {
  constexpr std::string_view kHelp = "convoyd version: print the version of convoyd\n";
  if (const int code = ReadNoFlags("version", words, kHelp); code >= 0) return code;
  Print(absl::StrCat("convoyd ", CONVOYD_VERSION, "\n"));
  return kExitDone;
}

}  // namespace convoyd
