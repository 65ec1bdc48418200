// One pass over the members. Nothing of a payload is ever written again.
#include "lib/intake/event_object.h"

#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"

#include "lib/base/status_macros.h"

namespace convoy::intake {
namespace {

using Kind = EventFlaw::Kind;

constexpr std::string_view kHeaders = "custom_headers";
// As many as a sender can be told of at once.
constexpr size_t kFlawsMax = 16;

class Reader {
 public:
  Reader(const json::Limits& limits, AddressedEvent* out, std::vector<EventFlaw>* flaws)
      : limits_(limits), out_(*out), flaws_(*flaws) {}

  void Read(const json::RawObject& object) {
    FindRepeated(object, "");
    std::string app_id;
    for (const json::RawMember& member : object.members) {
      if (member.key == "data") {
        out_.event.data = std::string(member.value.text);
      } else if (member.key == kHeaders) {
        ReadHeaders(member.value);
      } else if (std::string* const text = TextOf(member.key)) {
        ReadText(member, text);
      } else {
        // The name of endpoint_id in older versions of Convoy.
        if (member.key == "app_id") ReadText(member, &app_id);
        Add(Kind::kUnknown, "", member.key);
      }
    }
    if (out_.endpoint_id.empty()) out_.endpoint_id = std::move(app_id);
  }

 private:
  // Null if it is no field that holds a text.
  std::string* TextOf(std::string_view field) {
    if (field == "endpoint_id") return &out_.endpoint_id;
    if (field == "owner_id") return &out_.owner_id;
    if (field == "event_type") return &out_.event.event_type;
    if (field == "idempotency_key") return &out_.event.idempotency_key;
    return nullptr;
  }

  // Of unknown fields one is told, so that they leave room for the others.
  void Add(Kind kind, std::string_view parent, std::string_view field) {
    if (kind == Kind::kUnknown && std::exchange(has_unknown_, true)) return;
    if (flaws_.size() < kFlawsMax) flaws_.push_back({kind, parent, std::string(field)});
  }

  void FindRepeated(const json::RawObject& object, std::string_view parent) {
    absl::flat_hash_set<std::string_view> seen;
    for (const json::RawMember& member : object.members) {
      if (!seen.insert(member.key).second) return Add(Kind::kRepeated, parent, member.key);
    }
  }

  void ReadText(const json::RawMember& member, std::string* out) {
    if (member.value.type == json::Type::kNull) return;
    std::optional<std::string> text = member.value.AsString();
    if (!text.has_value()) return Add(Kind::kWrongType, "", member.key);
    *out = *std::move(text);
  }

  void ReadHeaders(const json::RawValue& value) {
    if (value.type == json::Type::kNull) return;
    const auto headers = json::ScanObject(value.text, limits_);
    if (!headers.ok()) return Add(Kind::kWrongType, "", kHeaders);
    if (headers->members.size() > kCustomHeadersMax) return Add(Kind::kTooManyItems, "", kHeaders);
    FindRepeated(*headers, kHeaders);
    for (const json::RawMember& member : headers->members) {
      std::optional<std::string> text = member.value.AsString();
      if (!text.has_value()) return Add(Kind::kWrongType, "", kHeaders);
      out_.event.custom_headers.push_back({.name = member.key, .value = *std::move(text)});
    }
  }

  const json::Limits& limits_;
  AddressedEvent& out_;
  std::vector<EventFlaw>& flaws_;
  bool has_unknown_ = false;
};

}  // namespace

absl::Status ReadEventObject(std::string_view body, const json::Limits& limits, AddressedEvent* out,
                             std::vector<EventFlaw>* flaws) {
  CONVOY_ASSIGN_OR_RETURN(const json::RawObject object, json::ScanObject(body, limits));
  Reader(limits, out, flaws).Read(object);
  return absl::OkStatus();
}

}  // namespace convoy::intake
