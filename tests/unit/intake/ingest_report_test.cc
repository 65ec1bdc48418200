// Reports under a flood: counts are complete, lines are few.
#include "lib/intake/ingest_report.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "tests/support/sim_clock.h"

namespace convoy::intake {
namespace {

class RecordingObserver : public Observer {
 public:
  void Log(LogLevel, std::string_view event, std::span<const LogField> fields) override {
    std::string line(event);
    for (const LogField& field : fields) absl::StrAppend(&line, " ", field.key, "=", field.value);
    lines.push_back(std::move(line));
  }
  void Count(std::string_view metric, uint64_t delta) override {
    if (metric == "convoy_ingest_refused_total") refused_count += delta;
  }

  std::vector<std::string> lines;
  uint64_t refused_count = 0;
};

IngestNotice Notice(std::string_view source, std::string_view reason = "malformed") {
  return {.event = "request refused", .source_id = source, .reason = reason, .detail = "why"};
}

TEST_CASE("ingest_report: a flood is one line in an interval, with a count") {
  testing::SimClock clock;
  RecordingObserver observer;
  IngestReport report(&clock, &observer);
  for (int i = 0; i < 1000; ++i) report.Refused(Notice("S"));
  CHECK(observer.lines ==
        std::vector<std::string>{"request refused source_id=S reason=malformed detail=why"});
  CHECK(report.refused_counts()["malformed"] == 1000);
  CHECK(observer.refused_count == 1000);

  report.Refused(Notice("S", "too_old"));
  report.Refused(Notice("T"));
  CHECK(observer.lines.size() == 3);

  observer.lines.clear();
  clock.Advance(absl::Seconds(61));
  report.Flush();
  CHECK(observer.lines == std::vector<std::string>{
                              "request refused source_id=S reason=malformed detail=why count=999"});
  // Told again only once there is something new, and an interval later.
  report.Refused(Notice("S"));
  CHECK(observer.lines.size() == 1);
  clock.Advance(absl::Seconds(61));
  report.Flush();
  CHECK(observer.lines.size() == 2);
  clock.Advance(absl::Seconds(61));
  report.Flush();
  CHECK(observer.lines.size() == 2);
}

TEST_CASE("ingest_report: tells at its end what it has not told") {
  testing::SimClock clock;
  RecordingObserver observer;
  {
    IngestReport report(&clock, &observer);
    for (int i = 0; i < 3; ++i) report.Accepted(Notice("S"));
    CHECK(report.accepted_counts()["malformed"] == 3);
    CHECK(report.refused_counts().empty());
  }
  CHECK(observer.lines.size() == 2);
  CHECK(observer.lines.back().ends_with("count=2"));
}

TEST_CASE("ingest_report: links that are guessed share a line") {
  testing::SimClock clock;
  RecordingObserver observer;
  IngestReport report(&clock, &observer);
  for (int i = 0; i < 5000; ++i) report.Refused(Notice(absl::StrCat("S", i)));
  CHECK(observer.lines.size() == 1025);
  CHECK(report.refused_counts()["malformed"] == 5000);
}

TEST_CASE("ingest_report: a clock that is set back silences nothing for ever") {
  testing::SimClock clock;
  RecordingObserver observer;
  IngestReport report(&clock, &observer);
  report.Refused(Notice("S"));
  clock.Advance(-absl::Hours(24));
  report.Refused(Notice("S"));
  CHECK(observer.lines.size() == 2);
}

}  // namespace
}  // namespace convoy::intake
