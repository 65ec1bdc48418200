// Parts of the interface of payload functions that are the same for every engine.
#include <utility>

#include "convoy/scripting.h"

namespace convoy {

std::string_view ScriptOutcomeName(ScriptOutcome outcome) {
  switch (outcome) {
    case ScriptOutcome::kDone:
      return "done";
    case ScriptOutcome::kInvalid:
      return "invalid";
    case ScriptOutcome::kThrew:
      return "threw";
    case ScriptOutcome::kNoResult:
      return "no_result";
    case ScriptOutcome::kTooManySteps:
      return "too_many_steps";
    case ScriptOutcome::kTooMuchMemory:
      return "too_much_memory";
    case ScriptOutcome::kTooDeep:
      return "too_deep";
    case ScriptOutcome::kTooLarge:
      return "too_large";
    case ScriptOutcome::kInvalidPayload:
      return "invalid_payload";
    case ScriptOutcome::kEngineFailed:
      return "engine_failed";
    case ScriptOutcome::kNotRun:
      break;
  }
  return "not_run";
}

void RunScript(Scripting* scripting, ScriptCall call, std::function<void(ScriptResult)> done) {
  if (scripting != nullptr) return scripting->Run(std::move(call), std::move(done));
  done({.outcome = ScriptOutcome::kInvalid, .error = std::string(kNoScripting)});
}

}  // namespace convoy
