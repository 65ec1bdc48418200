// Conditions of schemes and challenges: a value of the request must be equal to a text.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "lib/verify/message_template.h"
#include "lib/verify/scheme.h"

namespace convoy::verify {

class Conditions {
 public:
  static absl::StatusOr<Conditions> Compile(const std::vector<Condition>& conditions);

  // kAccepted if all hold; otherwise why the first does not. Compares in constant time: what is
  // expected may be a secret. "*" as the whole of an expected text stands for any value.
  VerifyReason Evaluate(const Evidence& evidence) const;

  // The settings that they need, and those that they use if they are there.
  void AddParameters(std::set<std::string>* needed, std::set<std::string>* used) const;

  // Does one of them compare something with the whole body? With anything of the request?
  bool cover_body() const;
  bool cover_request() const;

 private:
  struct Compiled {
    Locator place;
    bool is_any = false;
    bool is_absence = false;
    bool is_absent_if_empty = false;
    bool is_hashed = false;
    bool is_optional = false;
    MessageTemplate expected;
  };
  std::vector<Compiled> conditions_;
};

}  // namespace convoy::verify
