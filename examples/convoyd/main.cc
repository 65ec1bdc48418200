// convoyd: the reference host of libconvoy. Picks the command; each has a file of its own.
#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"

#include "examples/convoyd/arguments.h"
#include "examples/convoyd/commands.h"

namespace convoyd {
namespace {

constexpr std::string_view kHelp =
    "convoyd: a webhooks gateway in one process and one SQLite file\n"
    "\n"
    "  convoyd serve      receive, store and deliver\n"
    "  convoyd bootstrap  create the instance's first API key\n"
    "  convoyd import     take the configuration of Convoy over\n"
    "  convoyd copy       move everything into another database\n"
    "  convoyd migrate    bring a database of an older version up to date\n"
    "  convoyd outbox     print the SQL of a transactional outbox\n"
    "  convoyd prune      remove old events that have been dealt with\n"
    "  convoyd verify     judge one signed request, without a database\n"
    "  convoyd presets    list the providers that verify knows\n"
    "  convoyd version    print the version\n"
    "\n"
    "`convoyd COMMAND --help` explains each.\n";

struct Command {
  std::string_view name;
  int (*run)(std::span<char* const> words);
};

constexpr Command kCommands[] = {{"serve", RunServe},     {"bootstrap", RunBootstrap},
                                 {"import", RunImport},   {"copy", RunCopy},
                                 {"migrate", RunMigrate}, {"outbox", RunOutbox},
                                 {"prune", RunPrune},     {"verify", RunVerify},
                                 {"presets", RunPresets}, {"version", RunVersion}};

int Main(std::span<char* const> words) {
  if (words.size() < 2) {
    std::fputs(kHelp.data(), stderr);
    return kExitUsage;
  }
  const std::string_view name = words[1];
  for (const Command& command : kCommands) {
    if (command.name == name) return command.run(words.subspan(2));
  }
  if (name == "--help" || name == "-h" || name == "help") {
    Print(kHelp);
    return kExitDone;
  }
  if (name == "--version") return RunVersion({});
  return Fail(name, absl::InvalidArgumentError("no such command; see convoyd --help"), kExitUsage);
}

}  // namespace

int Fail(std::string_view command, const absl::Status& status, int exit_code) {
  const std::string line = absl::StrCat("convoyd ", command, ": ", status.message(), "\n");
  std::fputs(line.c_str(), stderr);
  return exit_code;
}

int ReadNoFlags(std::string_view command, std::span<char* const> words, std::string_view help) {
  const auto list = ReadArguments(words, {});
  if (!list.ok()) return Fail(command, list.status(), kExitUsage);
  if (!list->is_help_wanted) return -1;
  Print(help);
  return kExitDone;
}

void Print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

}  // namespace convoyd

int main(int argc, char** argv) {
  // A reader of our output that goes away must not take the server with it.
  std::signal(SIGPIPE, SIG_IGN);
  return convoyd::Main({argv, static_cast<size_t>(argc)});
}
