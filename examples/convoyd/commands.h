// The commands of convoyd. Each takes the words after its name and returns the exit code: 0 done,
// 1 failed (or, for verify, refused), 2 used wrongly.
#pragma once

#include <span>
#include <string_view>

#include "absl/status/status.h"

namespace convoyd {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

int RunServe(std::span<char* const> words);
int RunBootstrap(std::span<char* const> words);
int RunVerify(std::span<char* const> words);
int RunPresets(std::span<char* const> words);
int RunCopy(std::span<char* const> words);
int RunImport(std::span<char* const> words);
int RunMigrate(std::span<char* const> words);
int RunOutbox(std::span<char* const> words);
int RunPrune(std::span<char* const> words);
int RunVersion(std::span<char* const> words);

// Prints "convoyd COMMAND: what is wrong" to standard error and returns `exit_code`.
int Fail(std::string_view command, const absl::Status& status, int exit_code);

// For commands without flags: prints `help` for --help. Returns the exit code if the command ends
// here, -1 to go on.
int ReadNoFlags(std::string_view command, std::span<char* const> words, std::string_view help);

void Print(std::string_view text);  // to standard output, flushed

}  // namespace convoyd
