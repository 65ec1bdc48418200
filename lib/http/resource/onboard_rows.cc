// Reading and judging the rows of a bulk onboarding.
#include "lib/http/resource/onboard_rows.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#include "lib/base/status_macros.h"
#include "lib/base/text.h"
#include "lib/body/csv.h"
#include "lib/body/form.h"
#include "lib/http/shape/fields.h"
#include "lib/intake/event_checks.h"
#include "lib/route/event_pattern.h"

namespace convoy::http {
namespace {

using json::ObjectReader;

constexpr size_t kRowsMax = 1000;
constexpr size_t kColumnsMax = 64;
constexpr size_t kFileBytesMax = 10 * 1024 * 1024;

struct Column {
  std::string_view name;
  std::string OnboardRow::*field;
  bool is_required = false;
};
constexpr Column kColumns[] = {{"name", &OnboardRow::name, true},
                               {"url", &OnboardRow::url, true},
                               {"event_type", &OnboardRow::event_type},
                               {"auth_username", &OnboardRow::auth_username},
                               {"auth_password", &OnboardRow::auth_password}};

absl::Status TooMany() {
  return absl::InvalidArgumentError(absl::StrCat("items list exceeds maximum size of ", kRowsMax));
}

absl::StatusOr<std::vector<OnboardRow>> ReadJson(const Context& context) {
  CONVOY_ASSIGN_OR_RETURN(const json::Document document, ParseBody(context));
  ObjectReader reader(document);
  const json::Value* const items = reader.Array("items");
  CONVOY_RETURN_IF_ERROR(reader.status());
  if (items == nullptr || items->Empty()) {
    return absl::InvalidArgumentError("items list cannot be empty");
  }
  if (items->Size() > kRowsMax) return TooMany();
  std::vector<OnboardRow> rows;
  for (const json::Value& item : items->GetArray()) {
    ObjectReader fields(item, "items");
    OnboardRow row;
    for (const Column& column : kColumns) fields.Read(column.name, &(row.*column.field));
    CONVOY_RETURN_IF_ERROR(fields.status());
    rows.push_back(std::move(row));
  }
  return rows;
}

// The position of each column in the file; nullopt where it is absent.
absl::StatusOr<std::vector<std::optional<size_t>>> FindColumns(const body::CsvRow& header) {
  std::vector<std::optional<size_t>> places;
  for (const Column& column : kColumns) {
    const auto found = std::find_if(header.begin(), header.end(), [&](const std::string& name) {
      return base::EqualsIgnoreCase(absl::StripAsciiWhitespace(name), column.name);
    });
    if (found != header.end()) {
      places.emplace_back(found - header.begin());
    } else if (column.is_required) {
      return absl::InvalidArgumentError(absl::StrCat("CSV missing required column: ", column.name));
    } else {
      places.emplace_back();
    }
  }
  return places;
}

absl::StatusOr<std::vector<OnboardRow>> ReadFile(std::string_view text) {
  if (text.size() > kFileBytesMax) {
    return FieldError("file", absl::StrCat("must not be larger than ", kFileBytesMax, " bytes"));
  }
  if (!base::IsValidUtf8(text)) return FieldError("file", "must be valid UTF-8");
  const auto lines = body::ReadCsv(text, kRowsMax + 2, kColumnsMax);
  if (!lines.has_value()) {
    return FieldError(
        "file", absl::StrCat("must be CSV with a header row and at most ", kRowsMax, " others"));
  }
  if (lines->size() < 2) {
    return absl::InvalidArgumentError("CSV file is empty or contains only a header row");
  }
  if (lines->size() > kRowsMax + 1) return TooMany();
  CONVOY_ASSIGN_OR_RETURN(const auto places, FindColumns(lines->front()));
  std::vector<OnboardRow> rows;
  for (size_t i = 1; i < lines->size(); ++i) {
    const body::CsvRow& line = (*lines)[i];
    OnboardRow row;
    for (size_t column = 0; column < places.size(); ++column) {
      if (!places[column].has_value() || *places[column] >= line.size()) continue;
      row.*kColumns[column].field = line[*places[column]];
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

absl::StatusOr<std::vector<OnboardRow>> ReadUpload(std::string_view content_type,
                                                   std::string_view body) {
  const auto fields = body::ReadForm(content_type, body, /*has_files=*/true);
  if (!fields.has_value()) return absl::InvalidArgumentError("body is no multipart form");
  for (const auto& [name, value] : *fields) {
    if (name == "file") return ReadFile(value);
  }
  return FieldError("file", "please provide a CSV file");
}

// "field:why" without the field, which is told beside it.
std::string WhyOf(const absl::Status& status, std::string_view field) {
  std::string_view message = status.message();
  if (message.starts_with(absl::StrCat(field, ":"))) message.remove_prefix(field.size() + 1);
  return std::string(message);
}

}  // namespace

absl::StatusOr<std::vector<OnboardRow>> ReadOnboardRows(const Context& context) {
  const std::string_view type =
      base::FindHeader(context.request->headers, "Content-Type").value_or("");
  return body::IsMultipart(type) ? ReadUpload(type, context.request->body) : ReadJson(context);
}

std::vector<RowFault> FindFaults(const std::vector<OnboardRow>& rows, const ProjectConfig& config) {
  std::vector<RowFault> faults;
  for (size_t i = 0; i < rows.size(); ++i) {
    const OnboardRow& row = rows[i];
    const auto note = [&](std::string_view field, const absl::Status& status) {
      if (!status.ok()) faults.push_back({i + 1, std::string(field), WhyOf(status, field)});
    };
    if (row.name.empty()) note("name", absl::InvalidArgumentError("name is required"));
    for (const Column& column : kColumns) {
      if (column.name != "url") note(column.name, CheckText(column.name, row.*column.field));
    }
    note("url", CheckEndpointUrl(row.url, config.is_https_required));
    if (!row.event_type.empty()) {
      absl::Status status =
          intake::CheckText("event_type", row.event_type, intake::kEventTypeBytesMax);
      if (status.ok()) status = route::CheckEventPattern(row.event_type);
      note("event_type", status);
    }
    if (row.auth_username.empty() != row.auth_password.empty()) {
      note(row.auth_username.empty() ? "auth_username" : "auth_password",
           absl::InvalidArgumentError("auth_username and auth_password must come together"));
    }
    if (row.auth_username.find(':') != std::string::npos) {
      note("auth_username", absl::InvalidArgumentError("must not hold a colon"));
    }
  }
  return faults;
}

}  // namespace convoy::http
