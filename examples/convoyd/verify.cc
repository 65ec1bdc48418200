// `convoyd verify`: judges one request read from standard input. No database, no network.
#include <cstdio>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

#include "convoy/verifier.h"
#include "examples/convoyd/arguments.h"
#include "examples/convoyd/commands.h"
#include "examples/convoyd/files.h"
#include "examples/convoyd/json_text.h"
#include "examples/convoyd/wire.h"

namespace convoyd {
namespace {

constexpr std::string_view kHelp =
    "convoyd verify: judge one signed request\n"
    "\n"
    "  convoyd verify --preset NAME --secret S [FLAGS] < BODY\n"
    "  convoyd verify --scheme-file FILE --secret S [FLAGS] < BODY\n"
    "\n"
    "  --preset NAME         one of `convoyd presets`\n"
    "  --scheme NAME         of the preset's schemes only this one\n"
    "  --scheme-file FILE    a scheme or preset of your own as JSON\n"
    "  --config NAME=VALUE   a setting that the scheme asks for; repeatable\n"
    "  --secret S            the shared secret; repeatable, any of them may match\n"
    "  --secret-file FILE    the same from a file, which keeps it out of the process list; one "
    "line\n"
    "                        feed at its end is dropped\n"
    "  --header 'NAME: V'    a header of the request; repeatable\n"
    "  --method M            its method (default POST)\n"
    "  --url URL             its URL as the provider was given it (default http://localhost/)\n"
    "  --now UNIX_SECONDS    judge as of this instant (default: now)\n"
    "  --explain             say step by step why, and what would make a refused request pass\n"
    "\n"
    "Reads the body, byte for byte, from standard input (32 MiB at most) and prints one line of\n"
    "JSON: accepted, reason, scheme, integrity and, where they are known, secret_index, signed_at\n"
    "and event_id; with --explain the explanation that docs/verification.md describes, which\n"
    "holds no secret. Exit code 0: accepted. 1: refused. 2: used wrongly.\n";

constexpr size_t kBodyBytesMax = 32 * 1024 * 1024;

struct Job {
  std::string preset;
  std::string scheme_file;
  convoy::VerifierSettings settings;
  std::vector<convoy::Header> headers;
  std::string method = "POST";
  std::string url = "http://localhost/";
  std::optional<absl::Time> now;
  bool is_explained = false;
};

absl::Status AddHeader(Job& job, std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == text.npos || colon == 0) {
    return absl::InvalidArgumentError("--header must be 'NAME: VALUE'");
  }
  job.headers.push_back({std::string(text.substr(0, colon)),
                         std::string(absl::StripAsciiWhitespace(text.substr(colon + 1)))});
  return absl::OkStatus();
}

absl::Status AddSecretFile(Job& job, const std::string& path) {
  auto secret = ReadSecretFile(path);
  if (!secret.ok()) return secret.status();
  job.settings.secrets.push_back(*std::move(secret));
  return absl::OkStatus();
}

absl::Status AddParameter(Job& job, std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == text.npos || equals == 0) {
    return absl::InvalidArgumentError("--config must be NAME=VALUE");
  }
  job.settings.parameters.emplace(text.substr(0, equals), text.substr(equals + 1));
  return absl::OkStatus();
}

absl::Status Apply(Job& job, const Argument& argument) {
  if (argument.flag == "preset") job.preset = argument.value;
  if (argument.flag == "scheme") job.settings.scheme = argument.value;
  if (argument.flag == "scheme-file") job.scheme_file = argument.value;
  if (argument.flag == "config") return AddParameter(job, argument.value);
  if (argument.flag == "secret") job.settings.secrets.push_back(argument.value);
  if (argument.flag == "secret-file") return AddSecretFile(job, argument.value);
  if (argument.flag == "header") return AddHeader(job, argument.value);
  if (argument.flag == "method") job.method = argument.value;
  if (argument.flag == "url") job.url = argument.value;
  if (argument.flag == "now") {
    constexpr uint64_t kYear9999 = 253'402'300'799;
    const auto seconds = ParseNumber("--now", argument.value, kYear9999);
    if (!seconds.ok()) return seconds.status();
    job.now = absl::FromUnixSeconds(static_cast<int64_t>(*seconds));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const convoy::Verifier>> Compile(const Job& job) {
  if (job.preset.empty() == job.scheme_file.empty()) {
    return absl::InvalidArgumentError("give either --preset or --scheme-file");
  }
  if (!job.preset.empty()) return convoy::CompilePreset(job.preset, job.settings);
  const auto scheme = ReadFile(job.scheme_file);
  if (!scheme.ok()) return scheme.status();
  return convoy::CompileScheme(*scheme, job.settings);
}

absl::StatusOr<std::string> ReadBody() {
  std::string body;
  char chunk[16 * 1024];
  while (const size_t size = std::fread(chunk, 1, sizeof chunk, stdin)) {
    if (body.size() + size > kBodyBytesMax) {
      return absl::InvalidArgumentError("the body exceeds 32 MiB");
    }
    body.append(chunk, size);
  }
  if (std::ferror(stdin)) return absl::InvalidArgumentError("the body cannot be read");
  return body;
}

absl::StatusOr<std::string> Explain(const Job& job, const convoy::VerifyRequest& request,
                                    absl::Time now) {
  if (job.preset.empty() == job.scheme_file.empty()) {
    return absl::InvalidArgumentError("give either --preset or --scheme-file");
  }
  if (!job.preset.empty()) return convoy::ExplainPreset(job.preset, job.settings, request, now);
  const auto scheme = ReadFile(job.scheme_file);
  if (!scheme.ok()) return scheme.status();
  return convoy::ExplainScheme(*scheme, job.settings, request, now);
}

// Prints the explanation and says whether the request is accepted.
int PrintExplanation(const Job& job, const convoy::VerifyRequest& request, absl::Time now) {
  const auto explanation = Explain(job, request, now);
  if (!explanation.ok()) return Fail("verify", explanation.status(), kExitUsage);
  Print(*explanation);
  Print("\n");
  return explanation->starts_with("{\"accepted\":true") ? kExitDone : kExitFailed;
}

std::string Describe(const convoy::Verdict& verdict, const std::string& event_id) {
  JsonLine line;
  line.AddRaw("accepted", verdict.accepted() ? "true" : "false")
      .Add("reason", convoy::VerifyReasonName(verdict.reason))
      .Add("scheme", verdict.scheme)
      .Add("integrity", convoy::IntegrityName(verdict.integrity));
  if (verdict.secret_index >= 0) line.AddRaw("secret_index", absl::StrCat(verdict.secret_index));
  if (verdict.signed_at.has_value()) {
    line.Add("signed_at",
             absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", *verdict.signed_at, absl::UTCTimeZone()));
  }
  if (!event_id.empty()) line.Add("event_id", event_id);
  return line.Take();
}

}  // namespace

int RunVerify(std::span<char* const> words) {
  const std::vector<std::string> flags{"preset",      "scheme", "scheme-file", "config", "secret",
                                       "secret-file", "header", "method",      "url",    "now"};
  // The one flag without a value.
  std::vector<char*> others(words.begin(), words.end());
  const bool is_explained =
      std::erase_if(others, [](const char* word) { return std::string_view(word) == "--explain"; });
  const auto list = ReadArguments(others, flags);
  if (!list.ok()) return Fail("verify", list.status(), kExitUsage);
  if (list->is_help_wanted) {
    Print(kHelp);
    return kExitDone;
  }
  Job job{.is_explained = is_explained};
  for (const Argument& argument : list->arguments) {
    const absl::Status status = Apply(job, argument);
    if (!status.ok()) return Fail("verify", status, kExitUsage);
  }
  const auto verifier = Compile(job);
  if (!verifier.ok() && !job.is_explained) return Fail("verify", verifier.status(), kExitUsage);
  const auto target = SplitTarget(job.url);
  if (!target.has_value()) {
    return Fail("verify",
                absl::InvalidArgumentError("--url must be an http or https URL with a path"),
                kExitUsage);
  }
  const auto body = ReadBody();
  if (!body.ok()) return Fail("verify", body.status(), kExitUsage);

  std::vector<convoy::HeaderView> headers;
  for (const convoy::Header& header : job.headers) headers.push_back({header.name, header.value});
  const convoy::VerifyRequest request{.method = job.method,
                                      .url = job.url,
                                      .path = target->path,
                                      .query = target->query,
                                      .headers = headers,
                                      .body = *body};
  const absl::Time now = job.now.value_or(absl::Now());
  if (job.is_explained) return PrintExplanation(job, request, now);
  const convoy::Verdict verdict = (*verifier)->Verify(request, now);
  Print(Describe(verdict, verdict.accepted() ? (*verifier)->EventId(request) : ""));
  return verdict.accepted() ? kExitDone : kExitFailed;
}

}  // namespace convoyd
