// Conditions under which a scheme applies; see conditions.h.
#include "lib/verify/conditions.h"

#include <algorithm>
#include <utility>

#include "lib/base/encoding.h"
#include "lib/base/status_macros.h"
#include "lib/crypto/digest.h"

namespace convoy::verify {
namespace {

bool HasParameters(const MessageTemplate& text, const Parameters& parameters) {
  std::set<std::string> needed;
  text.AddParameters(&needed);
  return std::all_of(needed.begin(), needed.end(),
                     [&](const std::string& name) { return parameters.contains(name); });
}

}  // namespace

absl::StatusOr<Conditions> Conditions::Compile(const std::vector<Condition>& conditions) {
  Conditions compiled;
  for (const Condition& condition : conditions) {
    CONVOY_ASSIGN_OR_RETURN(MessageTemplate expected, MessageTemplate::Compile(condition.expected));
    compiled.conditions_.push_back({.place = condition.place,
                                    .is_any = condition.expected == "*",
                                    .is_absence = condition.is_absence,
                                    .is_absent_if_empty = condition.is_absent_if_empty,
                                    .is_hashed = condition.is_hashed,
                                    .is_optional = condition.is_optional,
                                    .expected = std::move(expected)});
  }
  return compiled;
}

void Conditions::AddParameters(std::set<std::string>* needed, std::set<std::string>* used) const {
  for (const Compiled& condition : conditions_) {
    condition.expected.AddParameters(condition.is_optional ? used : needed);
  }
}

VerifyReason Conditions::Evaluate(const Evidence& evidence) const {
  for (const Compiled& condition : conditions_) {
    if (condition.is_optional && !HasParameters(condition.expected, evidence.parameters)) continue;
    Text value;
    const Finding finding = evidence.Find(condition.place, &value);
    if (condition.is_absence) {
      if (finding != Finding::kMissing) return VerifyReason::kMalformed;
      continue;
    }
    if (finding == Finding::kMissing && condition.is_absent_if_empty &&
        evidence.request.body.empty()) {
      continue;
    }
    if (finding != Finding::kFound) return ReasonOf(finding);
    if (condition.is_any) continue;
    std::string expected;
    const Finding rendered = condition.expected.Render(evidence, &expected);
    if (rendered != Finding::kFound) return ReasonOf(rendered);
    if (condition.is_hashed) {
      expected = base::HexEncode(crypto::Hash(crypto::HashAlgorithm::kSha256, expected).view());
    }
    if (!crypto::ConstantTimeEquals(value.view(), expected)) {
      return VerifyReason::kSignatureMismatch;
    }
  }
  return VerifyReason::kAccepted;
}

bool Conditions::cover_body() const {
  return std::any_of(conditions_.begin(), conditions_.end(),
                     [](const Compiled& condition) { return condition.expected.covers_body(); });
}

bool Conditions::cover_request() const {
  return std::any_of(conditions_.begin(), conditions_.end(),
                     [](const Compiled& condition) { return condition.expected.covers_request(); });
}

}  // namespace convoy::verify
