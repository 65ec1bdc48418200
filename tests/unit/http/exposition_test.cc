#include "lib/http/metrics/exposition.h"

#include <catch2/catch.hpp>

namespace convoy::http {
namespace {

std::string Sample(ExpositionFormat format) {
  Exposition out(format);
  out.BeginFamily("convoy_build", MetricType::kInfo, "The version.");
  out.Add({{"version", "1.2.3"}}, 1);
  out.BeginFamily("convoy_event_ingested", MetricType::kCounter, "Events.");
  out.Add({{"outcome", "accepted"}, {"of", "x"}}, 18446744073709551615u);
  out.Add({{"outcome", "duplicate"}, {"of", "x"}}, 0);
  out.BeginFamily("convoy_last_seconds", MetricType::kGauge, "Instants.");
  out.AddTime({}, absl::FromUnixMicros(1777629600'012'999));
  out.AddTime({{"a", "never"}}, absl::InfinitePast());
  return std::move(out).TakeText();
}

TEST_CASE("exposition: the format of Prometheus") {
  CHECK(Sample(ExpositionFormat::kPrometheus) ==
        "# HELP convoy_build_info The version.\n"
        "# TYPE convoy_build_info gauge\n"
        "convoy_build_info{version=\"1.2.3\"} 1\n"
        "# HELP convoy_event_ingested_total Events.\n"
        "# TYPE convoy_event_ingested_total counter\n"
        "convoy_event_ingested_total{outcome=\"accepted\",of=\"x\"} 18446744073709551615\n"
        "convoy_event_ingested_total{outcome=\"duplicate\",of=\"x\"} 0\n"
        "# HELP convoy_last_seconds Instants.\n"
        "# TYPE convoy_last_seconds gauge\n"
        "convoy_last_seconds 1777629600.012\n");
}

TEST_CASE("exposition: OpenMetrics names families without the ending, and ends") {
  CHECK(Sample(ExpositionFormat::kOpenMetrics) ==
        "# HELP convoy_build The version.\n"
        "# TYPE convoy_build info\n"
        "convoy_build_info{version=\"1.2.3\"} 1\n"
        "# HELP convoy_event_ingested Events.\n"
        "# TYPE convoy_event_ingested counter\n"
        "convoy_event_ingested_total{outcome=\"accepted\",of=\"x\"} 18446744073709551615\n"
        "convoy_event_ingested_total{outcome=\"duplicate\",of=\"x\"} 0\n"
        "# HELP convoy_last_seconds Instants.\n"
        "# TYPE convoy_last_seconds gauge\n"
        "convoy_last_seconds 1777629600.012\n"
        "# EOF\n");
}

TEST_CASE("exposition: a label value cannot end its quotes, its line or the encoding") {
  const auto written = [](std::string_view value) {
    Exposition out(ExpositionFormat::kPrometheus);
    out.BeginFamily("x", MetricType::kGauge, "y");
    out.Add({{"l", value}}, 1);
    const std::string text = std::move(out).TakeText();
    return text.substr(text.find("x{"));
  };
  CHECK(written("\"} 2\nx{l=\"") == "x{l=\"\\\"} 2\\nx{l=\\\"\"} 1\n");
  CHECK(written("a\\n\\") == "x{l=\"a\\\\n\\\\\"} 1\n");
  CHECK(written("") == "x{l=\"\"} 1\n");
  CHECK(written("é\r") == "x{l=\"é\r\"} 1\n");
  CHECK(written("\xC3(\xFF") == "x{l=\"?(?\"} 1\n");
}

TEST_CASE("exposition: OpenMetrics is for who asks for it") {
  const auto is_open = [](std::string_view accept) {
    return ChooseFormat(accept) == ExpositionFormat::kOpenMetrics;
  };
  CHECK(is_open("application/openmetrics-text"));
  CHECK(is_open("application/openmetrics-text; version=1.0.0; charset=utf-8"));
  CHECK(is_open("Application/OpenMetrics-Text ;Version=1.0.0;Q=0.2, */*;q=0.9"));
  // Accept headers of three versions of Prometheus.
  CHECK(
      is_open("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
              "application/openmetrics-text;version=0.0.1;q=0.4,"
              "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
              "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"));
  CHECK(
      is_open("application/openmetrics-text;version=1.0.0,"
              "application/openmetrics-text;version=0.0.1;q=0.75,"
              "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"));
  CHECK_FALSE(
      is_open("application/openmetrics-text; version=0.0.1,"
              "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"));

  CHECK_FALSE(is_open(""));
  CHECK_FALSE(is_open("*/*"));
  CHECK_FALSE(is_open("text/plain"));
  CHECK_FALSE(is_open("application/openmetrics-text;q=0"));
  CHECK_FALSE(is_open("application/openmetrics-text;q=high"));
  CHECK_FALSE(is_open("application/openmetrics-text;q=2"));
  CHECK_FALSE(is_open("application/openmetrics-text;q=nan"));
  CHECK_FALSE(is_open("application/openmetrics-text;q=0.4,text/plain;q=0.5"));
  CHECK_FALSE(is_open("application/openmetrics-text-not"));
  CHECK_FALSE(is_open(",;;=,q=1;application/openmetrics-text"));
}

}  // namespace
}  // namespace convoy::http
