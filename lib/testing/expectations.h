// Expectations of a conformance suite and the failures that it found. Nothing is thrown: a suite
// may run in programs without exceptions.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "convoy/testing/conformance.h"

namespace convoy::testing {

// Collects the failures of one requirement. For one thread.
class Expectations {
 public:
  explicit Expectations(std::string_view requirement) : requirement_(requirement) {}

  bool Expect(bool holds, std::string_view text, std::string_view file, int line) {
    if (!holds) Fail(text, file, line);
    return holds;
  }

  bool ExpectOk(const absl::Status& status, std::string_view text, std::string_view file,
                int line) {
    if (!status.ok()) Fail(absl::StrCat(text, " is ", status.ToString()), file, line);
    return status.ok();
  }

  bool ExpectSame(const std::vector<std::string>& value, const std::vector<std::string>& wanted,
                  std::string_view text, std::string_view file, int line) {
    if (value != wanted) {
      Fail(absl::StrCat(text, " are [", absl::StrJoin(value, " "), "], not [",
                        absl::StrJoin(wanted, " "), "]"),
           file, line);
    }
    return value == wanted;
  }

  // The value, or, if there is none, a failure and an empty value.
  template <typename T>
  T Value(absl::StatusOr<T> answer, std::string_view text, std::string_view file, int line) {
    if (answer.ok()) return *std::move(answer);
    Fail(absl::StrCat(text, " is ", answer.status().ToString()), file, line);
    return T{};
  }

  std::vector<ConformanceFailure> TakeFailures() { return std::move(failures_); }

 private:
  void Fail(std::string_view text, std::string_view file, int line) {
    failures_.push_back({std::string(requirement_), absl::StrCat(file, ":", line, ": ", text)});
  }

  const std::string_view requirement_;
  std::vector<ConformanceFailure> failures_;
};

}  // namespace convoy::testing

// All of them want an `Expectations& expect` in scope. REQUIRE leaves the function.
#define CONVOY_EXPECT(...) \
  expect.Expect(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__, __FILE_NAME__, __LINE__)
#define CONVOY_REQUIRE(...)                  \
  do {                                       \
    if (!CONVOY_EXPECT(__VA_ARGS__)) return; \
  } while (false)
#define CONVOY_REQUIRE_OK(...)                                                        \
  do {                                                                                \
    if (!expect.ExpectOk(__VA_ARGS__, #__VA_ARGS__, __FILE_NAME__, __LINE__)) return; \
  } while (false)
#define CONVOY_EXPECT_SAME(texts, ...) \
  expect.ExpectSame(texts, __VA_ARGS__, #texts, __FILE_NAME__, __LINE__)
#define CONVOY_VALUE(...) expect.Value(__VA_ARGS__, #__VA_ARGS__, __FILE_NAME__, __LINE__)
