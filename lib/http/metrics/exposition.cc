// Writer of Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats)
// and of OpenMetrics 1.0.
#include "lib/http/metrics/exposition.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

#include "lib/base/text.h"

namespace convoy::http {
namespace {

// One of the media types that a client accepts: "text/plain;version=0.0.4;q=0.5".
struct MediaRange {
  std::string_view type;
  std::string_view version;  // empty: any
  double quality = 1;
};

MediaRange ReadMediaRange(std::string_view text) {
  MediaRange range;
  bool is_first = true;
  for (std::string_view part : absl::StrSplit(text, ';')) {
    part = absl::StripAsciiWhitespace(part);
    if (std::exchange(is_first, false)) {
      range.type = part;
    } else if (absl::StartsWithIgnoreCase(part, "version=")) {
      range.version = part.substr(8);
    } else if (absl::StartsWithIgnoreCase(part, "q=")) {
      double quality = 0;
      const bool is_number = absl::SimpleAtod(part.substr(2), &quality) && quality <= 1;
      range.quality = is_number ? quality : 0;
    }
  }
  return range;
}

bool Fits(const MediaRange& range, std::string_view type, std::string_view version) {
  return absl::EqualsIgnoreCase(range.type, type) &&
         (range.version.empty() || range.version == version);
}

std::string_view EndingOf(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "_total";
    case MetricType::kInfo:
      return "_info";
    case MetricType::kHistogram:
    case MetricType::kGauge:
      break;
  }
  return "";
}

std::string_view NameOf(MetricType type, ExpositionFormat format) {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kInfo:
      return format == ExpositionFormat::kOpenMetrics ? "info" : "gauge";
    case MetricType::kHistogram:
      return "histogram";
    case MetricType::kGauge:
      break;
  }
  return "gauge";
}

// Both formats are UTF-8, and one wrong byte would cost the reader all of the text.
void AppendLabelValue(std::string_view value, std::string& out) {
  const bool is_utf8 = base::IsValidUtf8(value);
  for (const char c : value) {
    if (c == '\\' || c == '"') out.push_back('\\');
    if (c == '\n') {
      out += "\\n";
    } else {
      out.push_back(is_utf8 || absl::ascii_isascii(static_cast<unsigned char>(c)) ? c : '?');
    }
  }
}

// OpenMetrics wants "1.0" for 1 where a number is a label.
std::string CanonicalNumber(double number) {
  std::string text = absl::StrCat(number);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

}  // namespace

ExpositionFormat ChooseFormat(std::string_view accept) {
  double open_metrics = 0;
  double text = 0;
  for (const std::string_view part : absl::StrSplit(accept, ',')) {
    const MediaRange range = ReadMediaRange(part);
    if (Fits(range, "application/openmetrics-text", "1.0.0")) {
      open_metrics = std::max(open_metrics, range.quality);
    } else if (Fits(range, "text/plain", "0.0.4")) {
      text = std::max(text, range.quality);
    }
  }
  return open_metrics > 0 && open_metrics >= text ? ExpositionFormat::kOpenMetrics
                                                  : ExpositionFormat::kPrometheus;
}

std::string_view ContentTypeOf(ExpositionFormat format) {
  return format == ExpositionFormat::kOpenMetrics
             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
             : "text/plain; version=0.0.4; charset=utf-8";
}

void Exposition::BeginFamily(std::string_view name, MetricType type, std::string_view help) {
  sample_name_ = absl::StrCat(name, EndingOf(type));
  const std::string_view family =
      format_ == ExpositionFormat::kOpenMetrics ? name : std::string_view(sample_name_);
  absl::StrAppend(&text_, "# HELP ", family, " ", help, "\n# TYPE ", family, " ",
                  NameOf(type, format_), "\n");
}

void Exposition::Add(MetricLabels labels, uint64_t value) {
  AddSample(labels, absl::AlphaNum(value).Piece());
}

void Exposition::AddTime(MetricLabels labels, absl::Time time) {
  if (time == absl::InfinitePast()) return;
  const int64_t millis = absl::ToUnixMillis(time);
  AddSample(labels, absl::StrFormat("%d.%03d", millis / 1000, millis % 1000));
}

void Exposition::AddHistogram(std::pair<std::string_view, std::string_view> label,
                              std::span<const double> bounds, std::span<const uint64_t> counts,
                              double sum) {
  uint64_t total = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    total += counts[i];
    const std::string bound = i < bounds.size() ? CanonicalNumber(bounds[i]) : "+Inf";
    AddSample({label, {"le", bound}}, absl::AlphaNum(total).Piece(), "_bucket");
  }
  AddSample({label}, absl::StrFormat("%.6f", sum), "_sum");
  AddSample({label}, absl::AlphaNum(total).Piece(), "_count");
}

void Exposition::AddSample(MetricLabels labels, std::string_view value, std::string_view ending) {
  absl::StrAppend(&text_, sample_name_, ending);
  char separator = '{';
  for (const auto& [name, label_value] : labels) {
    text_.push_back(separator);
    absl::StrAppend(&text_, name, "=\"");
    AppendLabelValue(label_value, text_);
    text_.push_back('"');
    separator = ',';
  }
  absl::StrAppend(&text_, labels.size() == 0 ? " " : "} ", value, "\n");
}

std::string Exposition::TakeText() && {
  if (format_ == ExpositionFormat::kOpenMetrics) text_ += "# EOF\n";
  return std::move(text_);
}

}  // namespace convoy::http
