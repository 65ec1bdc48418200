#include "lib/consume/check_queue.h"

#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "catch2/catch.hpp"

namespace convoy::consume {
namespace {

TEST_CASE("check_queue: without a thread the answer is unknown") {
  CheckQueue queue;
  absl::Status answer;
  queue.Add([] { return absl::OkStatus(); }, [&](absl::Status status) { answer = status; });
  CHECK(absl::IsUnavailable(answer));
}

TEST_CASE("check_queue: checks run in order, and each is answered once") {
  CheckQueue queue;
  queue.Start();
  std::vector<std::string> answers;
  absl::Notification last;
  for (const char* text : {"a", "b", "c"}) {
    queue.Add([text] { return absl::NotFoundError(text); },
              [&, text](absl::Status status) {
                answers.emplace_back(status.message());
                if (*text == 'c') last.Notify();
              });
  }
  last.WaitForNotification();
  CHECK(answers == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("check_queue: the end cancels what waits and reports what still runs") {
  CheckQueue queue;
  queue.Start();
  absl::Notification is_running, may_end;
  std::vector<absl::StatusCode> answers;
  queue.Add(
      [&] {
        is_running.Notify();
        may_end.WaitForNotification();
        return absl::OkStatus();
      },
      [&](absl::Status status) { answers.push_back(status.code()); });
  queue.Add([] { return absl::OkStatus(); },
            [&](absl::Status status) { answers.push_back(status.code()); });
  is_running.WaitForNotification();
  CHECK_FALSE(queue.Stop(absl::ZeroDuration()));
  may_end.Notify();
  CHECK(queue.Stop(absl::InfiniteDuration()));
  CHECK(answers == std::vector{absl::StatusCode::kOk, absl::StatusCode::kCancelled});
}

TEST_CASE("check_queue: too much at once is not waited for") {
  CheckQueue queue;
  queue.Start();
  absl::Notification may_end;
  int unknown_count = 0;
  absl::Mutex mutex;
  for (int i = 0; i < 100; ++i) {
    queue.Add(
        [&] {
          may_end.WaitForNotification();
          return absl::OkStatus();
        },
        [&](absl::Status status) {
          absl::MutexLock lock(&mutex);
          unknown_count += absl::IsUnavailable(status);
        });
  }
  {
    absl::MutexLock lock(&mutex);
    CHECK(unknown_count >= 35);
    CHECK(unknown_count <= 36);
  }
  may_end.Notify();
  CHECK(queue.Stop(absl::InfiniteDuration()));
}

}  // namespace
}  // namespace convoy::consume
