// Checks of fields that several resources have. Errors name the field and the allowed values; they
// never repeat the value, which may be a secret.
#include "lib/http/shape/fields.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

#include "convoy/filter.h"
#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/json/raw.h"

namespace convoy::http {
namespace {

constexpr size_t kIdBytesMax = 256;
constexpr size_t kUrlBytesMax = 4096;
constexpr absl::Duration kIntervalMax = absl::Hours(24 * 30);
constexpr uint32_t kTriesMax = 1000;

// Of the connection or of the body: a setting that claims one of these could not be honoured.
constexpr std::string_view kHeadersOfHttp[] = {
    "Connection", "Content-Length",    "Content-Type",     "Expect",
    "Host",       "Keep-Alive",        "Proxy-Connection", "TE",
    "Trailer",    "Transfer-Encoding", "Upgrade"};

const json::Value* FindMember(const json::Value& object, std::string_view field) {
  const auto member = object.FindMember(
      json::Value(field.data(), static_cast<json::rapidjson::SizeType>(field.size())));
  return member == object.MemberEnd() ? nullptr : &member->value;
}

// "host", "host:port", "[address]" or "[address]:port".
bool IsAuthority(std::string_view authority) {
  size_t host_size = 0;
  if (authority.starts_with('[')) {
    host_size = authority.find(']') + 1;  // 0 if there is none
    if (host_size < 4 ||
        authority.substr(1, host_size - 2).find_first_not_of("0123456789abcdefABCDEF:.") !=
            std::string_view::npos) {
      return false;
    }
  } else {
    host_size = std::min(authority.find(':'), authority.size());
    if (host_size == 0) return false;
    const bool is_name = std::all_of(
        authority.begin(), authority.begin() + static_cast<std::ptrdiff_t>(host_size), [](char c) {
          return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                 c == '-' || c == '.' || c == '_';
        });
    if (!is_name) return false;
  }
  std::string_view port = authority.substr(host_size);
  if (port.empty()) return true;
  uint32_t number = 0;
  return port.starts_with(':') && port.find_first_not_of("0123456789", 1) == port.npos &&
         absl::SimpleAtoi(port.substr(1), &number) && number > 0 && number <= 65'535;
}

}  // namespace

absl::Status FieldError(std::string_view field, std::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(field, ":", why));
}

absl::Status CheckText(std::string_view field, std::string_view text, size_t bytes_max) {
  if (text.size() > bytes_max) {
    return FieldError(field, absl::StrCat("must not be longer than ", bytes_max, " bytes"));
  }
  if (text.find('\0') != std::string_view::npos) {
    return FieldError(field, "must not hold a NUL character");
  }
  return absl::OkStatus();
}

absl::Status CheckHeaderToSend(std::string_view field, std::string_view name) {
  if (!base::IsHeaderName(name)) return FieldError(field, "must be a valid HTTP header token");
  CONVOY_RETURN_IF_ERROR(CheckText(field, name));
  const bool is_of_http =
      std::any_of(std::begin(kHeadersOfHttp), std::end(kHeadersOfHttp),
                  [name](std::string_view other) { return base::EqualsIgnoreCase(name, other); });
  return is_of_http ? FieldError(field, "must not be a header that HTTP itself needs")
                    : absl::OkStatus();
}

bool MayBeId(std::string_view text) {
  return !text.empty() && text.size() <= kIdBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

bool AsksForNothing(const json::Value& root) {
  std::vector<const json::Value*> open = {&root};
  while (!open.empty()) {
    const json::Value& value = *open.back();
    open.pop_back();
    if (value.IsObject()) {
      for (auto member = value.MemberBegin(); member != value.MemberEnd(); ++member) {
        open.push_back(&member->value);
      }
    } else if (value.IsArray()) {
      for (const json::Value& element : value.GetArray()) open.push_back(&element);
    } else if (value.IsTrue() || (value.IsString() && value.GetStringLength() > 0) ||
               (value.IsNumber() && value.GetDouble() != 0)) {
      return false;
    }
  }
  return true;
}

absl::Status RefuseIfSet(const json::Value& object, std::string_view field,
                         std::string_view parent) {
  const json::Value* value = FindMember(object, field);
  if (value == nullptr || AsksForNothing(*value)) return absl::OkStatus();
  return FieldError(absl::StrCat(parent, parent.empty() ? "" : ".", field),
                    "is not supported by this version, leave it out");
}

absl::Status RefuseChange(const json::Value& object, std::string_view field,
                          std::string_view current) {
  json::ObjectReader reader(object);
  std::string wanted;
  reader.Read(field, &wanted);
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (wanted.empty() || wanted == current) return absl::OkStatus();
  return FieldError(field, "cannot be changed, leave it out or make a new one");
}

absl::Status ReadRetry(const json::Value& object, std::string_view path, RetryPolicy* out) {
  json::ObjectReader reader(object, std::string(path));
  CONVOY_RETURN_IF_ERROR(reader.status());
  ReadEnum(reader, "type", "must be linear or exponential", &out->strategy);
  uint64_t seconds = 0;
  ReadSeconds(reader, "duration", &out->interval);
  if (reader.Read("interval_seconds", &seconds) && seconds > 0) {
    out->interval = absl::Seconds(seconds);
  }
  reader.Read("retry_count", &out->attempts_max);
  if (out->interval > kIntervalMax) reader.FailField("duration", "must be between 0 and 30 days");
  if (out->attempts_max == 0 || out->attempts_max > kTriesMax) {
    reader.FailField("retry_count", absl::StrCat("must be between 1 and ", kTriesMax));
  }
  return reader.status();
}

bool ReadSeconds(json::ObjectReader& reader, std::string_view field, absl::Duration* out) {
  if (!reader.HasText(field)) {
    uint32_t seconds = 0;
    if (!reader.Read(field, &seconds)) return false;
    *out = absl::Seconds(seconds);
    return true;
  }
  std::string text;
  absl::Duration duration;
  if (!reader.Read(field, &text) || text.empty()) return false;
  if (!absl::ParseDuration(text, &duration)) {
    reader.FailField(field, "must be a number of seconds, or a duration such as 10s");
    return false;
  }
  // Bounds first: what is infinite is no number of seconds.
  if (duration < absl::ZeroDuration() || duration > kIntervalMax) {
    reader.FailField(field, "must be between 0 and 30 days");
    return false;
  }
  if (duration != absl::Trunc(duration, absl::Seconds(1))) {
    reader.FailField(field, "must be whole seconds, such as 10s");
    return false;
  }
  *out = duration;
  return true;
}

std::string RawMember(std::string_view object_json, std::string_view path) {
  const auto value = json::FindPath(object_json, path, {});
  return value.has_value() && value->type == json::Type::kObject ? std::string(value->text) : "";
}

absl::Status ReadConditions(const json::Value& object, std::string_view object_json,
                            std::string_view path, ContentFilter* out) {
  json::ObjectReader reader(object, std::string(path));
  const std::pair<std::string_view, std::string ContentFilter::*> parts[] = {
      {"headers", &ContentFilter::headers},
      {"body", &ContentFilter::body},
      {"query", &ContentFilter::query},
      {"path", &ContentFilter::path}};
  for (const auto& [field, part] : parts) {
    if (reader.Object(field) == nullptr) continue;
    std::string condition = RawMember(object_json, field);
    const absl::Status size = CheckText(reader.PathOf(field), condition, kConditionBytesMax);
    if (!size.ok()) {
      reader.Fail(size);
      continue;
    }
    const absl::Status compiled = CompileFilter(condition).status();
    if (!compiled.ok()) reader.Fail(FieldError(reader.PathOf(field), compiled.message()));
    out->*part = std::move(condition);
  }
  return reader.status();
}

absl::Status CheckEndpointUrl(std::string_view url, bool is_https_required) {
  if (url.empty()) return FieldError("url", "please provide a url for your endpoint");
  // Schemes are compared without case (RFC 3986, section 3.1).
  const bool is_https = absl::StartsWithIgnoreCase(url, "https://");
  if (!is_https && !absl::StartsWithIgnoreCase(url, "http://")) {
    return FieldError("url", "invalid endpoint scheme, must be https or http");
  }
  if (is_https_required && !is_https) return FieldError("url", "only https endpoints allowed");
  const bool is_clean =
      std::all_of(url.begin(), url.end(), [](char c) { return c > 0x20 && c < 0x7F && c != '\\'; });
  if (!is_clean || url.size() > kUrlBytesMax) {
    return FieldError("url",
                      "must hold printable ASCII characters only, no backslash, and at most 4096 "
                      "of them");
  }
  if (url.find_first_of("{}") != std::string_view::npos) {
    return FieldError("url", "endpoint URL templates are not enabled");
  }
  const size_t begin = url.find("//") + 2;
  const std::string_view authority = url.substr(begin, url.find_first_of("/?#", begin) - begin);
  if (authority.find('@') != std::string_view::npos) {
    return FieldError("url", "must not hold a user name or password");
  }
  if (!IsAuthority(authority)) {
    return FieldError("url", "endpoint url must include a valid host");
  }
  return absl::OkStatus();
}

}  // namespace convoy::http
