#include "lib/http/fields.h"

#include <algorithm>

#include "absl/time/time.h"

#include "lib/base/status_macros.h"

namespace convoy::http {
namespace {

constexpr size_t kTextBytesMax = 1024;
constexpr size_t kUrlBytesMax = 4096;
constexpr absl::Duration kIntervalMax = absl::Hours(24 * 30);
constexpr uint32_t kTriesMax = 1000;

bool AsksForNothing(const json::Value& value) {
  return value.IsNull() || value.IsFalse() || (value.IsString() && value.GetStringLength() == 0) ||
         (value.IsArray() && value.Empty()) || (value.IsInt() && value.GetInt() == 0) ||
         (value.IsObject() &&
          std::all_of(value.MemberBegin(), value.MemberEnd(), [](const auto& member) {
            return member.value.IsNull() || member.value.IsFalse() ||
                   (member.value.IsString() && member.value.GetStringLength() == 0);
          }));
}

}  // namespace

absl::Status FieldError(std::string_view field, std::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(field, ":", why));
}

absl::Status CheckLength(std::string_view field, std::string_view text) {
  if (text.size() <= kTextBytesMax) return absl::OkStatus();
  return FieldError(field, absl::StrCat("must not be longer than ", kTextBytesMax, " bytes"));
}

absl::Status RefuseIfSet(const json::Value& object, std::string_view field) {
  const auto member = object.FindMember(
      json::Value(field.data(), static_cast<json::rapidjson::SizeType>(field.size())));
  if (member == object.MemberEnd() || AsksForNothing(member->value)) return absl::OkStatus();
  return FieldError(field, "is not supported by this version, leave it out");
}

absl::Status ReadRetry(const json::Value& object, std::string_view path, RetryPolicy* out) {
  json::ObjectReader reader(object, std::string(path));
  CONVOY_RETURN_IF_ERROR(reader.status());
  ReadEnum(reader, "type", "must be linear or exponential", &out->strategy);
  uint64_t seconds = 0;
  const auto duration = object.FindMember("duration");
  if (duration != object.MemberEnd() && duration->value.IsString()) {
    std::string text;
    reader.Read("duration", &text);
    if (!text.empty() && !absl::ParseDuration(text, &out->interval)) {
      return FieldError(reader.PathOf("duration"), "must be a duration such as 10s");
    }
  } else if (reader.Read("duration", &seconds)) {
    out->interval = absl::Seconds(seconds);
  }
  if (reader.Read("interval_seconds", &seconds) && seconds > 0) {
    out->interval = absl::Seconds(seconds);
  }
  reader.Read("retry_count", &out->attempts_max);
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (out->interval < absl::ZeroDuration() || out->interval > kIntervalMax) {
    return FieldError(reader.PathOf("duration"), "must be between 0 and 30 days");
  }
  if (out->attempts_max == 0 || out->attempts_max > kTriesMax) {
    return FieldError(reader.PathOf("retry_count"),
                      absl::StrCat("must be between 1 and ", kTriesMax));
  }
  return absl::OkStatus();
}

absl::Status CheckEndpointUrl(const std::string& url, bool is_https_required) {
  if (url.empty()) return absl::InvalidArgumentError("url:please provide a url for your endpoint");
  const bool is_https = url.starts_with("https://");
  if (!is_https && !url.starts_with("http://")) {
    return absl::InvalidArgumentError("url:invalid endpoint scheme");
  }
  if (is_https_required && !is_https) {
    return absl::InvalidArgumentError("url:only https endpoints allowed");
  }
  const bool is_clean =
      std::all_of(url.begin(), url.end(), [](char c) { return c > 0x20 && c < 0x7F; });
  if (!is_clean || url.size() > kUrlBytesMax) {
    return absl::InvalidArgumentError(
        "url:must hold printable ASCII characters only and at most 4096 of them");
  }
  if (url.find_first_of("{}") != std::string::npos) {
    return absl::InvalidArgumentError("url:endpoint URL templates are not enabled");
  }
  const size_t begin = url.find("//") + 2;
  const std::string_view authority =
      std::string_view(url).substr(begin, url.find_first_of("/?#", begin) - begin);
  if (authority.find('@') != std::string_view::npos) {
    return absl::InvalidArgumentError("url:must not hold a user name or password");
  }
  if (authority.empty() || authority.starts_with(':')) {
    return absl::InvalidArgumentError("url:endpoint url must include a valid host");
  }
  return absl::OkStatus();
}

}  // namespace convoy::http
