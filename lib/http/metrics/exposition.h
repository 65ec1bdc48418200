// Metrics as text: the format of Prometheus (0.0.4), and OpenMetrics 1.0, which differs in how it
// names families and in its end.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace convoy::http {

enum class ExpositionFormat : uint8_t { kPrometheus, kOpenMetrics };

// OpenMetrics for who names it and likes it no less than plain text; Prometheus otherwise. `accept`
// is the header of the same name.
ExpositionFormat ChooseFormat(std::string_view accept);
std::string_view ContentTypeOf(ExpositionFormat format);

// Type of a family's samples: only ever growing, up and down, or a constant that carries labels.
enum class MetricType : uint8_t { kCounter, kGauge, kInfo, kHistogram };

using MetricLabels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// A sample that stands for those of its bucket: labels, value and instant.
struct MetricExemplar {
  std::vector<std::pair<std::string_view, std::string>> labels;  // 128 characters in all at most
  double value = 0;
  absl::Time at;
};

// Families one after the other, each with all of its samples.
class Exposition {
 public:
  explicit Exposition(ExpositionFormat format) : format_(format) {}

  // `name` is without the ending that the type has ("_total", "_info"); `help` is one line of plain
  // words.
  void BeginFamily(std::string_view name, MetricType type, std::string_view help);

  // Label names are ours; their values may be anything.
  void Add(MetricLabels labels, uint64_t value);
  // `counts` are those of each bucket, in the order of their upper `bounds`, and of what is above;
  // `exemplars` those of the buckets, where there are some. Only OpenMetrics has exemplars.
  void AddHistogram(std::pair<std::string_view, std::string_view> label,
                    std::span<const double> bounds, std::span<const uint64_t> counts, double sum,
                    std::span<const std::optional<MetricExemplar>> exemplars = {});
  // In seconds since 1970. An infinite past is left out.
  void AddTime(MetricLabels labels, absl::Time time);

  // Once, after the last sample.
  std::string TakeText() &&;

 private:
  void AddSample(MetricLabels labels, std::string_view value, std::string_view ending = "",
                 const MetricExemplar* exemplar = nullptr);

  const ExpositionFormat format_;
  std::string sample_name_;  // of the current family
  std::string text_;
};

}  // namespace convoy::http
