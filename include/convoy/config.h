// Configuration as a store sees it: records of declared kinds. A kind is declared once, in
// lib/model/config_kinds.cc: its name, its stored form, the objects that it is removed with, its
// unique fields, the fields that lists filter by. A store uses only that declaration.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "convoy/model.h"

namespace convoy {

// The numbers are stored: they are permanent.
enum class ConfigKind : uint8_t {
  kProject = 0,
  kSource = 1,
  kEndpoint = 2,
  kSubscription = 3,
  kApiKey = 4,
  kDataKey = 5,  // the wrapped key that seals documents: at most one record, without a type
  kJob = 6,      // work on many objects that is done in pieces: without a public type
  kEventType = 7,
  kPortalLink = 8,
};

// The kind of each type of object.
template <typename T>
struct ConfigKindOf;
template <>
struct ConfigKindOf<Project> {
  static constexpr ConfigKind value = ConfigKind::kProject;
};
template <>
struct ConfigKindOf<Source> {
  static constexpr ConfigKind value = ConfigKind::kSource;
};
template <>
struct ConfigKindOf<Endpoint> {
  static constexpr ConfigKind value = ConfigKind::kEndpoint;
};
template <>
struct ConfigKindOf<Subscription> {
  static constexpr ConfigKind value = ConfigKind::kSubscription;
};
template <>
struct ConfigKindOf<ApiKey> {
  static constexpr ConfigKind value = ConfigKind::kApiKey;
};
template <>
struct ConfigKindOf<EventType> {
  static constexpr ConfigKind value = ConfigKind::kEventType;
};
template <>
struct ConfigKindOf<PortalLink> {
  static constexpr ConfigKind value = ConfigKind::kPortalLink;
};
template <typename T>
concept ConfigObject = requires {
  ConfigKindOf<T>::value;
};

struct ConfigRecord;

// The stored form of an object, and back. Decoding fails with kDataLoss if the document is damaged,
// with kInvalidArgument if the record is of another kind.
template <ConfigObject T>
ConfigRecord EncodeConfig(const T& object);
template <ConfigObject T>
absl::StatusOr<T> DecodeConfig(const ConfigRecord& record);

// One object. `id` is unique within the kind. `fields` are the values of the kind's declared fields
// in the order of their declaration; `document` is opaque to a store.
struct ConfigRecord {
  ConfigKind kind = ConfigKind::kProject;
  std::string id;
  std::string project_id;  // empty if it belongs to no project
  std::vector<std::string> fields;
  std::string document;

  ConfigRecord() = default;
  // Implicit: an object may be passed where a record is written.
  template <ConfigObject T>
  ConfigRecord(const T& object) : ConfigRecord(EncodeConfig(object)) {}  // NOLINT: implicit

  friend bool operator==(const ConfigRecord&, const ConfigRecord&) = default;
};

struct ConfigRef {
  ConfigKind kind = ConfigKind::kProject;
  std::string id;

  friend bool operator==(const ConfigRef&, const ConfigRef&) = default;
  friend auto operator<=>(const ConfigRef&, const ConfigRef&) = default;
};

// The queries on a field that a store answers from an index.
enum class ConfigFieldUse : uint8_t {
  kUnique,   // no two records of the kind share a value; find the record that has it
  kProject,  // list the records of one project that have a value
  kGlobal,   // list the records of all projects that have a value
  kText,     // compare with it while listing
};

struct ConfigField {
  std::string_view name;
  ConfigFieldUse use = ConfigFieldUse::kText;
  // The field holds the id of an object of this kind; the record is removed with that object.
  std::optional<ConfigKind> parent;
};

// The scope whose revision a change of an object raises: the instance's (""), its project's, that
// of records for the store's own use ("store"), or the one that the object's first field names.
enum class ConfigHome : uint8_t { kInstance, kProject, kStore, kField };

struct ConfigKindInfo {
  ConfigKind kind = ConfigKind::kProject;
  std::string_view name;  // as in messages: "source not found"
  ConfigHome home = ConfigHome::kProject;
  std::string_view taken;  // the message when a unique field is taken
  // Events, deliveries and held inputs of an object of the kind are removed with it.
  bool has_flow = false;
  // Positions are stored: append, never reorder.
  std::span<const ConfigField> fields;
};

// Every kind, in the order of their numbers. All objects of a project are removed with it.
std::span<const ConfigKindInfo> ConfigKinds();
// Null if there is no kind of this number.
const ConfigKindInfo* FindConfigKind(ConfigKind kind);
// The position of a field; nullopt if the kind has none of this name.
std::optional<size_t> FindConfigField(const ConfigKindInfo& info, std::string_view name);

// The value of a declared field; empty if the kind has none of this name.
std::string_view ConfigFieldOf(const ConfigRecord& record, std::string_view name);

// The scope whose revision guards the record.
std::string_view ConfigScopeOf(const ConfigRecord& record);

}  // namespace convoy
