// Payload functions of sources, for code that does no I/O: what has to be run is asked for, and the
// same input is prepared again once the answer is there. The functions of one input run one after
// the other, the body's first.
//
//   FunctionRuns runs;
//   while (true) {
//     auto prepared = Prepare(…, &runs);
//     if (!runs.wanted()) return prepared;
//     runs.Add(result of running *runs.wanted());
//   }
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/model.h"
#include "convoy/options.h"
#include "convoy/scripting.h"
#include "lib/body/body_view.h"

namespace convoy::intake {

// The functions of one input that have been run, and the one that is wanted next.
class FunctionRuns {
 public:
  // The call that was asked for and has not been answered; null: there is none.
  const ScriptCall* wanted() const { return wanted_.has_value() ? &*wanted_ : nullptr; }
  // Its answer, which is not kNotRun.
  void Add(ScriptResult result);

 private:
  friend class SourceFunctions;
  std::optional<ScriptCall> wanted_;
  std::optional<ScriptResult> results_[2];
  size_t wanted_index_ = 0;
};

inline bool HasFunctions(const Source& source) {
  return !source.body_function.empty() || !source.header_function.empty();
}

// A function in the way in which events are changed. Errors are one line that begins with the
// name of the function's field; kUnavailable: it has to be run first.
class SourceFunctions {
 public:
  // `runs` may be null: then every function is an error. All must outlive this.
  SourceFunctions(const GatewayOptions& options, const Source& source, absl::Time now,
                  FunctionRuns* runs)
      : options_(options), source_(source), now_(now), runs_(runs) {}

  // The result of body_function for `body`: JSON text. nullopt: the source has no such function.
  absl::StatusOr<std::optional<std::string>> ChangeBody(body::BodyView& body);
  absl::StatusOr<std::optional<std::string>> ChangeBody(std::string_view json);

  // The headers become what header_function makes of them. It sees an object of texts; of headers
  // that occur more than once the values joined by ", ".
  absl::Status ChangeHeaders(Headers& headers);

 private:
  // Runs the function at `index`, or asks for that.
  absl::StatusOr<std::string> Run(size_t index, std::string_view field, const std::string& function,
                                  std::string payload);

  const GatewayOptions& options_;
  const Source& source_;
  const absl::Time now_;
  FunctionRuns* const runs_;
};

// The object of texts that a header function sees.
std::string HeadersToJson(const Headers& headers);

}  // namespace convoy::intake
