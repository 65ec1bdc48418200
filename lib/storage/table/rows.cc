// Each kind of row: its key, and the list of its fields.
#include "lib/storage/table/rows.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

#include "convoy/ulid.h"
#include "lib/base/encoding.h"
#include "lib/base/status_macros.h"
#include "lib/crypto/digest.h"
#include "lib/model/codec.h"
#include "lib/storage/config_record.h"
#include "lib/storage/table/row_text.h"
#include "lib/storage/traffic_rows.h"
#include "lib/storage/write_rules.h"

namespace convoy::storage {
namespace {

constexpr uint8_t kForm = 1;

// First bytes of keys. Permanent.
constexpr std::string_view kAttempt = "A";
constexpr std::string_view kRecord = "C";
constexpr std::string_view kDelivery = "D";
constexpr std::string_view kEvent = "E";
constexpr std::string_view kHeld = "H";
constexpr std::string_view kDedupe = "K";
constexpr std::string_view kLogLine = "L";
constexpr std::string_view kLane = "N";
constexpr std::string_view kRevision = "R";

using EventRow = AgeTable<std::shared_ptr<const Event>>::Row;
using DeliveryRow = AgeTable<StoredDelivery>::Row;
using HeldRow = AgeTable<HeldInput>::Row;
using Place = std::pair<std::string, uint32_t>;           // of an attempt
using DedupePlace = std::pair<std::string, std::string>;  // (scope, key)

// Keys. Texts of any length end in a digest if they are long; the value holds them whole.

std::string TextKey(std::string_view kind, std::string_view text) {
  constexpr size_t kTextBytesMax = kTableKeyBytesMax - 16;
  if (text.size() <= kTextBytesMax) return absl::StrCat(kind, "=", text);
  const crypto::Digest digest = crypto::Hash(crypto::HashAlgorithm::kSha256, text);
  return absl::StrCat(kind, "#", digest.view());
}

std::string AgeKey(std::string_view kind, int64_t key) {
  return absl::StrCat(kind, BigEndian(static_cast<uint64_t>(key)));
}

std::string KeyOf(const EventRow&, int64_t key) { return AgeKey(kEvent, key); }
std::string KeyOf(const DeliveryRow&, int64_t key) { return AgeKey(kDelivery, key); }
std::string KeyOf(const HeldRow&, int64_t key) { return AgeKey(kHeld, key); }
std::string KeyOf(const StoredLane&, const std::string& id) { return TextKey(kLane, id); }
std::string KeyOf(const Attempt&, const Place& place) {
  return absl::StrCat(TextKey(kAttempt, place.first), BigEndian(place.second));
}
std::string KeyOf(const absl::Time&, const DedupePlace& place) {
  return TextKey(kDedupe, absl::StrCat(place.first, "/", place.second));
}
std::string RecordKey(const ConfigRef& ref) {
  return TextKey(kRecord, absl::StrCat(static_cast<int>(ref.kind), "/", ref.id));
}

// Fields. Each list serves a writer and a reader.

template <typename Io, typename E>
void EventFields(Io& io, E& event, auto& endpoints, auto& headers) {
  io.Add(event.id, event.project_id, event.source_id, event.event_type, endpoints, headers,
         event.body, event.content_type, event.url_query, event.url_path, event.idempotency_key,
         event.is_duplicate, event.status, event.failure_reason, event.created_at,
         event.acknowledged_at);
}

template <typename Io, typename D>
void DeliveryFields(Io& io, D& delivery) {
  io.Add(delivery.id, delivery.project_id, delivery.event_id, delivery.endpoint_id,
         delivery.subscription_id, delivery.event_type, delivery.idempotency_key, delivery.status,
         delivery.mode, delivery.retry.strategy, delivery.retry.interval,
         delivery.retry.attempts_max, delivery.attempts_count, delivery.due_at,
         delivery.description, delivery.latency, delivery.created_at, delivery.updated_at);
}

template <typename Io, typename A>
void AttemptFields(Io& io, A& attempt, auto& request_headers, auto& response_headers) {
  io.Add(attempt.id, attempt.project_id, attempt.delivery_id, attempt.endpoint_id, attempt.url,
         attempt.method, request_headers, attempt.http_status, response_headers,
         attempt.response_body, attempt.remote_ip, attempt.error, attempt.is_success,
         attempt.requested_at, attempt.responded_at, attempt.phases.name_lookup,
         attempt.phases.connect, attempt.phases.tls, attempt.phases.first_byte, attempt.elapsed);
}

template <typename Io, typename H>
void HeldFields(Io& io, H& input, auto& headers) {
  io.Add(input.id, input.project_id, input.source_id, input.kind, input.reason, input.detail,
         input.method, input.path, input.query, headers, input.body, input.redelivery_id,
         input.received_at, input.expires_at);
}

template <typename Io, typename L>
void LaneFields(Io& io, L& lane) {
  io.Add(lane.project_id, lane.arrival, lane.closed_until, lane.head_id, lane.is_disabled,
         lane.is_policy_stale);
}

// Values.

std::string EncodeIds(const std::vector<std::string>& ids) {
  RowWriter writer;
  writer.Add(ids.size());
  for (const std::string& id : ids) writer.Add(id);
  return writer.Take();
}

std::vector<std::string> DecodeIds(std::string_view bytes) {
  RowReader reader(bytes);
  size_t count = 0;
  reader.Add(count);
  std::vector<std::string> ids;
  for (size_t i = 0; i < count && reader.is_whole(); ++i) reader.Add(ids.emplace_back());
  return ids;
}

template <typename Fill>
std::string Write(const Fill& fill) {
  RowWriter writer;
  writer.Add(kForm);
  fill(writer);
  return writer.Take();
}

std::string Encode(const auto&, const EventRow& row) {
  const std::string endpoints = EncodeIds(row.value->endpoint_ids);
  const std::string headers = model::EncodeHeaders(row.value->headers);
  return Write([&](RowWriter& writer) { EventFields(writer, *row.value, endpoints, headers); });
}

std::string Encode(const auto&, const DeliveryRow& row) {
  const Delivery& delivery = row.value.delivery;
  const bool must_be_known = delivery.mode == DeliveryMode::kAtMostOnce;
  if (row.value.lease == 0 || must_be_known) {
    return Write([&](RowWriter& writer) { DeliveryFields(writer, delivery); });
  }
  Delivery unclaimed = delivery;
  EndClaim(unclaimed);
  return Write([&](RowWriter& writer) { DeliveryFields(writer, unclaimed); });
}

std::string Encode(const auto&, const Attempt& attempt) {
  const std::string request_headers = model::EncodeHeaders(attempt.request_headers);
  const std::string response_headers = model::EncodeHeaders(attempt.response_headers);
  return Write([&](RowWriter& writer) {
    AttemptFields(writer, attempt, request_headers, response_headers);
  });
}

std::string Encode(const auto&, const HeldRow& row) {
  const std::string headers = model::EncodeHeaders(row.value.headers);
  return Write([&](RowWriter& writer) { HeldFields(writer, row.value, headers); });
}

std::string Encode(const std::string& id, const StoredLane& lane) {
  return Write([&](RowWriter& writer) {
    writer.Add(id);
    LaneFields(writer, lane);
  });
}

std::string Encode(const DedupePlace& place, absl::Time expires_at) {
  return Write([&](RowWriter& writer) { writer.Add(place.first, place.second, expires_at); });
}

// Changes.

template <typename Key, typename T>
void AddChanges(const WatchedMap<Key, T>& map, std::vector<TableChange>& changes) {
  for (const auto& [key, former] : map.former()) {
    const T* const row = map.Find(key);
    if (row == nullptr) {
      if (former.has_value()) changes.push_back({KeyOf(*former, key), "", true});
      continue;
    }
    std::string value = Encode(key, *row);
    if (former.has_value() && Encode(key, *former) == value) continue;
    changes.push_back({KeyOf(*row, key), std::move(value)});
  }
}

void AddConfigChanges(const ConfigTables& config, std::vector<TableChange>& changes) {
  for (const ConfigRef& ref : config.traces().refs) {
    const ConfigRecord* const record = config.Peek(ref);
    if (record == nullptr) {
      changes.push_back({RecordKey(ref), "", true});
      continue;
    }
    changes.push_back({RecordKey(ref), Write([&](RowWriter& writer) {
                         writer.Add(record->kind, record->id, record->project_id,
                                    PackFields(record->fields), record->document);
                       })});
  }
  for (const std::string& scope : config.traces().scopes) {
    changes.push_back({TextKey(kRevision, scope), Write([&](RowWriter& writer) {
                         writer.Add(scope, config.PeekRevision(scope));
                       })});
  }
  const auto& log = config.log();
  const uint64_t first = config.first_line();
  const size_t surplus = config.surplus_lines_count();
  for (size_t i = 0; i < surplus; ++i) {
    changes.push_back({absl::StrCat(kLogLine, BigEndian(first + i)), "", true});
  }
  const size_t new_count = config.traces().lines_count;
  for (size_t i = std::max(log.size() - new_count, surplus); i < log.size(); ++i) {
    const ConfigTables::Line& added = log[i];
    changes.push_back({absl::StrCat(kLogLine, BigEndian(first + i)), Write([&](RowWriter& writer) {
                         const ConfigLogLine& line = added.line;
                         writer.Add(added.scope, line.revision, line.what, line.ref.kind,
                                    line.ref.id);
                       })});
  }
}

// Restoring.

absl::Status Unreadable(std::string_view key) {
  return absl::DataLossError(
      absl::StrCat("the row ", base::HexEncode(key), " of the table cannot be read"));
}

template <typename T>
absl::Status PutBack(int64_t key, std::string id, T value, AgeTable<T>& table) {
  table.map().Change(key) = {std::move(id), std::move(value)};
  return absl::OkStatus();
}

absl::Status RestoreEvent(int64_t key, RowReader& reader, Flow& flow) {
  Event event;
  std::string endpoints, headers;
  EventFields(reader, event, endpoints, headers);
  event.endpoint_ids = DecodeIds(endpoints);
  CONVOY_ASSIGN_OR_RETURN(event.headers, model::DecodeHeaders(headers));
  std::string id = event.id;
  return PutBack(key, std::move(id), std::make_shared<const Event>(std::move(event)), flow.events);
}

absl::Status RestoreDelivery(int64_t key, RowReader& reader, Flow& flow) {
  Delivery delivery;
  DeliveryFields(reader, delivery);
  // Claimed by an opener that has died.
  if (delivery.status == DeliveryStatus::kProcessing) EndClaim(delivery);
  std::string id = delivery.id;
  return PutBack(key, std::move(id), StoredDelivery{.delivery = std::move(delivery)},
                 flow.deliveries);
}

absl::Status RestoreHeld(int64_t key, RowReader& reader, Flow& flow) {
  HeldInput input;
  std::string headers;
  HeldFields(reader, input, headers);
  CONVOY_ASSIGN_OR_RETURN(input.headers, model::DecodeHeaders(headers));
  std::string id = input.id;
  flow.held.map().Change(key) = {std::move(id), std::move(input)};
  return absl::OkStatus();
}

absl::Status RestoreAttempt(uint32_t position, RowReader& reader, Flow& flow) {
  Attempt attempt;
  std::string request_headers, response_headers;
  AttemptFields(reader, attempt, request_headers, response_headers);
  CONVOY_ASSIGN_OR_RETURN(attempt.request_headers, model::DecodeHeaders(request_headers));
  CONVOY_ASSIGN_OR_RETURN(attempt.response_headers, model::DecodeHeaders(response_headers));
  std::string id = attempt.delivery_id;
  flow.attempts.Change({std::move(id), position}) = std::move(attempt);
  return absl::OkStatus();
}

absl::Status RestoreRecord(RowReader& reader, ConfigTables& config) {
  ConfigRecord record;
  std::string fields;
  reader.Add(record.kind, record.id, record.project_id, fields, record.document);
  if (FindConfigKind(record.kind) == nullptr) return absl::DataLossError("no such kind");
  CONVOY_ASSIGN_OR_RETURN(record.fields, UnpackFields(record.kind, fields));
  config.Restore(record);
  return absl::OkStatus();
}

// The number in the last eight bytes of a key.
uint64_t NumberIn(std::string_view key) {
  uint64_t number = 0;
  if (key.size() > 8) RowReader(key.substr(key.size() - 8)).Add(number);
  return number;
}

absl::Status RestoreOther(std::string_view kind, uint64_t number, RowReader& reader, Flow& flow,
                          ConfigTables& config) {
  if (kind == kLane) {
    std::string id;
    StoredLane lane;
    reader.Add(id);
    LaneFields(reader, lane);
    flow.lanes.Change(id) = std::move(lane);
  } else if (kind == kDedupe) {
    DedupePlace place;
    absl::Time expires_at;
    reader.Add(place.first, place.second, expires_at);
    flow.dedupe.Change(place) = expires_at;
  } else if (kind == kRevision) {
    std::string scope;
    uint64_t revision = 0;
    reader.Add(scope, revision);
    config.RestoreRevision(scope, revision);
  } else if (kind == kLogLine) {
    ConfigTables::Line line;
    reader.Add(line.scope, line.line.revision, line.line.what, line.line.ref.kind,
               line.line.ref.id);
    config.RestoreLine(number, std::move(line));
  } else {
    return absl::DataLossError("no such row");
  }
  return absl::OkStatus();
}

}  // namespace

std::string EncodeHead(uint64_t openings_count) {
  return Write([&](RowWriter& writer) { writer.Add(openings_count); });
}

absl::StatusOr<uint64_t> DecodeHead(std::string_view value) {
  RowReader reader(value);
  uint64_t form = 0, openings_count = 0;
  reader.Add(form, openings_count);
  if (!reader.is_whole()) return Unreadable(kHeadKey);
  if (form != kForm) {
    return absl::FailedPreconditionError("the table was written by a later version of the library");
  }
  return openings_count;
}

std::vector<TableChange> ChangesOf(const Flow& flow, const ConfigTables& config) {
  std::vector<TableChange> changes;
  AddConfigChanges(config, changes);
  Flow::ForEachMap(flow, [&changes](const auto& map) { AddChanges(map, changes); });
  return changes;
}

absl::Status RestoreRow(std::string_view key, std::string_view value, Flow& flow,
                        ConfigTables& config) {
  const std::string_view kind = key.substr(0, 1);
  const uint64_t number = NumberIn(key);
  const auto age = static_cast<int64_t>(number);
  RowReader reader(value);
  uint64_t form = 0;
  reader.Add(form);
  absl::Status status;
  if (form != kForm) return Unreadable(key);
  if (kind == kEvent) {
    status = RestoreEvent(age, reader, flow);
  } else if (kind == kDelivery) {
    status = RestoreDelivery(age, reader, flow);
  } else if (kind == kHeld) {
    status = RestoreHeld(age, reader, flow);
  } else if (kind == kAttempt) {
    status = RestoreAttempt(static_cast<uint32_t>(number), reader, flow);
  } else if (kind == kRecord) {
    status = RestoreRecord(reader, config);
  } else {
    status = RestoreOther(kind, number, reader, flow, config);
  }
  return status.ok() && reader.is_whole() ? absl::OkStatus() : Unreadable(key);
}

}  // namespace convoy::storage
