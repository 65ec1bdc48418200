// A judgement of one request step by step: what each scheme looked for, what it found, which bytes
// it computed over, and what would make a refused request pass. For people who connect a provider;
// nothing here runs while requests are taken in.
//
// An explanation never holds a secret, a key or an expected signature: of bytes it says how many
// they are and their SHA-256, and of messages that hold a secret only how many.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"

#include "convoy/verifier.h"
#include "lib/verify/key_source.h"
#include "lib/verify/preset.h"

namespace convoy::verify {

struct ExplainedStep {
  std::string what;     // "signature", "timestamp", "message", …
  std::string place;    // where it was looked for, or the template
  std::string finding;  // "found", "missing", "ambiguous", or a sentence
};

struct ExplainedScheme {
  std::string name;
  bool is_applied = false;  // its conditions hold
  std::string reason;       // VerifyReasonName
  std::vector<ExplainedStep> steps;
};

// One thing that would make the request pass, or the reason why nothing can. Codes are for
// programs and permanent; docs/verification.md lists them.
struct Cause {
  std::string code;
  std::string text;
};

struct Explanation {
  Verdict verdict;  // its view is into `scheme`
  std::string scheme;
  int challenge_status = 0;  // of the handshake that the request is; 0: it is none
  std::vector<ExplainedScheme> schemes;
  std::vector<Cause> causes;  // the likeliest first; empty if it is accepted
  std::string body_sha256;
  uint64_t body_bytes = 0;
};

struct ExplainInput {
  const Preset& preset;
  const VerifierSettings& settings;
  const VerifyRequest& request;
  absl::Time now;
  std::shared_ptr<KeySource> keys;  // may be null
};

Explanation Explain(const ExplainInput& input);
std::string ToJson(const Explanation& explanation);

// Changes that would make a request pass that is refused with `verdict`.
std::vector<Cause> FindCauses(const ExplainInput& input, const Verdict& verdict);

}  // namespace convoy::verify
