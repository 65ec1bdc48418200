// The one declaration of each kind of configuration object. A new kind is a type with a codec, a
// number in convoy/config.h and an entry here; no store needs to know of it. A field that a kind is
// given later comes last: stores have it empty in the records of before.
#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"

#include "convoy/config.h"
#include "lib/model/codec.h"
#include "lib/model/names.h"

namespace convoy {
namespace {

using Use = ConfigFieldUse;

// How objects of one type become records, and back.
template <typename T, size_t kFields>
struct Declaration {
  ConfigKindInfo info;
  std::array<ConfigField, kFields> fields;
  std::array<std::string (*)(const T&), kFields> values;
  std::string (*project_id)(const T&);
  std::string (*encode)(const T&);
  absl::StatusOr<T> (*decode)(std::string_view);
};

std::optional<absl::Duration> RetentionOf(const ProjectConfig& config) {
  return config.is_retention_enabled ? config.retention : std::nullopt;
}

constexpr std::string_view kMaskTaken = "another one has this mask already";

// "retention" is set of those that keep their events for a time of their own.
constexpr Declaration<Project, 2> kProject = {
    .info = {.kind = ConfigKind::kProject,
             .name = "project",
             .home = ConfigHome::kInstance,
             .taken = "a project with this name already exists",
             .has_flow = true},
    .fields = {{{.name = "name", .use = Use::kUnique}, {.name = "retention", .use = Use::kGlobal}}},
    .values = {[](const Project& project) { return project.name; },
               [](const Project& project) -> std::string {
                 return RetentionOf(project.config).has_value() ? "own" : "";
               }},
    .project_id = [](const Project&) { return std::string(); },
    .encode = model::Encode,
    .decode = model::DecodeProject,
};

// "reader" is set of those that have to be read from.
constexpr Declaration<Source, 5> kSource = {
    .info = {.kind = ConfigKind::kSource, .name = "source", .taken = kMaskTaken, .has_flow = true},
    .fields = {{{.name = "mask_id", .use = Use::kUnique},
                {.name = "name", .use = Use::kText},
                {.name = "type", .use = Use::kProject},
                {.name = "provider", .use = Use::kProject},
                {.name = "reader", .use = Use::kGlobal}}},
    .values = {[](const Source& source) { return source.mask_id; },
               [](const Source& source) { return source.name; },
               [](const Source& source) { return std::string(model::Name(source.type)); },
               [](const Source& source) { return std::string(model::Name(source.provider)); },
               [](const Source& source) -> std::string {
                 const bool is_read = source.type == SourceType::kPubSub && !source.is_disabled;
                 return is_read ? "enabled" : "";
               }},
    .project_id = [](const Source& source) { return source.project_id; },
    .encode = model::Encode,
    .decode = model::DecodeSource,
};

constexpr Declaration<Endpoint, 2> kEndpoint = {
    .info = {.kind = ConfigKind::kEndpoint, .name = "endpoint"},
    .fields = {{{.name = "name", .use = Use::kText}, {.name = "owner_id", .use = Use::kProject}}},
    .values = {[](const Endpoint& endpoint) { return endpoint.name; },
               [](const Endpoint& endpoint) { return endpoint.owner_id; }},
    .project_id = [](const Endpoint& endpoint) { return endpoint.project_id; },
    .encode = model::Encode,
    .decode = model::DecodeEndpoint,
};

constexpr Declaration<Subscription, 3> kSubscription = {
    .info = {.kind = ConfigKind::kSubscription, .name = "subscription"},
    .fields = {{{.name = "name", .use = Use::kText},
                {.name = "endpoint_id", .use = Use::kProject, .parent = ConfigKind::kEndpoint},
                {.name = "source_id", .use = Use::kProject, .parent = ConfigKind::kSource}}},
    .values = {[](const Subscription& subscription) { return subscription.name; },
               [](const Subscription& subscription) { return subscription.endpoint_id; },
               [](const Subscription& subscription) { return subscription.source_id; }},
    .project_id = [](const Subscription& subscription) { return subscription.project_id; },
    .encode = model::Encode,
    .decode = model::DecodeSubscription,
};

// Of a project, but guarded by the instance: who may do what is looked up before any project is.
constexpr Declaration<ApiKey, 1> kApiKey = {
    .info = {.kind = ConfigKind::kApiKey,
             .name = "API key",
             .home = ConfigHome::kInstance,
             .taken = kMaskTaken},
    .fields = {{{.name = "mask_id", .use = Use::kUnique}}},
    .values = {[](const ApiKey& key) { return key.mask_id; }},
    .project_id = [](const ApiKey& key) { return key.project_id; },
    .encode = model::Encode,
    .decode = model::DecodeApiKey,
};

// Written by lib/storage/data_key.cc, which needs no type.
constexpr ConfigKindInfo kDataKey = {
    .kind = ConfigKind::kDataKey, .name = "data key", .home = ConfigHome::kStore};

// Encoded by lib/model/job.cc. A change of a job must not look like one of its project, which every
// process would take in: jobs have a scope of their own, of all that their project has.
constexpr ConfigField kJobFields[] = {{.name = "scope", .use = Use::kText},
                                      {.name = "state", .use = Use::kProject},
                                      {.name = "open", .use = Use::kGlobal}};
constexpr ConfigKindInfo kJob = {
    .kind = ConfigKind::kJob, .name = "job", .home = ConfigHome::kField, .fields = kJobFields};

// Names are unique within a project, and the field of all of them.
constexpr Declaration<EventType, 2> kEventType = {
    .info = {.kind = ConfigKind::kEventType,
             .name = "event type",
             .taken = "an event type with this name already exists"},
    .fields = {{{.name = "key", .use = Use::kUnique}, {.name = "name", .use = Use::kText}}},
    .values = {
        [](const EventType& type) { return model::EventTypeKey(type.project_id, type.name); },
        [](const EventType& type) { return type.name; }},
    .project_id = [](const EventType& type) { return type.project_id; },
    .encode = model::Encode,
    .decode = model::DecodeEventType,
};

constexpr Declaration<PortalLink, 3> kPortalLink = {
    .info = {.kind = ConfigKind::kPortalLink, .name = "portal link", .taken = kMaskTaken},
    .fields = {{{.name = "mask_id", .use = Use::kUnique},
                {.name = "name", .use = Use::kText},
                {.name = "owner_id", .use = Use::kProject}}},
    .values = {[](const PortalLink& link) { return link.mask_id; },
               [](const PortalLink& link) { return link.name; },
               [](const PortalLink& link) { return link.owner_id; }},
    .project_id = [](const PortalLink& link) { return link.project_id; },
    .encode = model::Encode,
    .decode = model::DecodePortalLink,
};

template <typename T, size_t kFields>
constexpr ConfigKindInfo InfoOf(const Declaration<T, kFields>& declaration) {
  ConfigKindInfo info = declaration.info;
  info.fields = declaration.fields;
  return info;
}

constexpr ConfigKindInfo kKinds[] = {InfoOf(kProject),
                                     InfoOf(kSource),
                                     InfoOf(kEndpoint),
                                     InfoOf(kSubscription),
                                     InfoOf(kApiKey),
                                     kDataKey,
                                     kJob,
                                     InfoOf(kEventType),
                                     InfoOf(kPortalLink)};

// The declaration of a type.
constexpr const auto& Declared(const Project*) { return kProject; }
constexpr const auto& Declared(const Source*) { return kSource; }
constexpr const auto& Declared(const Endpoint*) { return kEndpoint; }
constexpr const auto& Declared(const Subscription*) { return kSubscription; }
constexpr const auto& Declared(const ApiKey*) { return kApiKey; }
constexpr const auto& Declared(const EventType*) { return kEventType; }
constexpr const auto& Declared(const PortalLink*) { return kPortalLink; }

}  // namespace

template <ConfigObject T>
ConfigRecord EncodeConfig(const T& object) {
  constexpr const auto& kDeclaration = Declared(static_cast<const T*>(nullptr));
  static_assert(kDeclaration.info.kind == ConfigKindOf<T>::value);
  static_assert(kKinds[static_cast<size_t>(ConfigKindOf<T>::value)].kind == ConfigKindOf<T>::value);
  ConfigRecord record;
  record.kind = kDeclaration.info.kind;
  record.id = object.id;
  record.project_id = kDeclaration.project_id(object);
  record.fields.reserve(kDeclaration.values.size());
  for (const auto value : kDeclaration.values) record.fields.push_back(value(object));
  record.document = kDeclaration.encode(object);
  return record;
}

template <ConfigObject T>
absl::StatusOr<T> DecodeConfig(const ConfigRecord& record) {
  constexpr const auto& kDeclaration = Declared(static_cast<const T*>(nullptr));
  if (record.kind != kDeclaration.info.kind) {
    return absl::InvalidArgumentError(absl::StrCat("the record is no ", kDeclaration.info.name));
  }
  absl::StatusOr<T> object = kDeclaration.decode(record.document);
  if (object.ok()) return object;
  return absl::Status(object.status().code(), absl::StrCat(kDeclaration.info.name, " ", record.id,
                                                           ": ", object.status().message()));
}

#define CONVOY_DECLARED(type)                      \
  template ConfigRecord EncodeConfig(const type&); \
  template absl::StatusOr<type> DecodeConfig(const ConfigRecord&)
CONVOY_DECLARED(Project);
CONVOY_DECLARED(Source);
CONVOY_DECLARED(Endpoint);
CONVOY_DECLARED(Subscription);
CONVOY_DECLARED(ApiKey);
CONVOY_DECLARED(EventType);
CONVOY_DECLARED(PortalLink);
#undef CONVOY_DECLARED

std::span<const ConfigKindInfo> ConfigKinds() { return kKinds; }

const ConfigKindInfo* FindConfigKind(ConfigKind kind) {
  const auto number = static_cast<size_t>(kind);
  return number < std::size(kKinds) ? &kKinds[number] : nullptr;
}

std::optional<size_t> FindConfigField(const ConfigKindInfo& info, std::string_view name) {
  const auto found = std::find_if(info.fields.begin(), info.fields.end(),
                                  [&](const ConfigField& field) { return field.name == name; });
  if (found == info.fields.end()) return std::nullopt;
  return static_cast<size_t>(found - info.fields.begin());
}

std::string_view ConfigFieldOf(const ConfigRecord& record, std::string_view name) {
  const ConfigKindInfo* const info = FindConfigKind(record.kind);
  const std::optional<size_t> field = info == nullptr ? std::nullopt : FindConfigField(*info, name);
  return field.has_value() && *field < record.fields.size()
             ? std::string_view(record.fields[*field])
             : std::string_view();
}

std::string_view ConfigScopeOf(const ConfigRecord& record) {
  const ConfigKindInfo* const info = FindConfigKind(record.kind);
  const ConfigHome home = info == nullptr ? ConfigHome::kInstance : info->home;
  switch (home) {
    case ConfigHome::kProject:
      return record.project_id;
    case ConfigHome::kStore:
      return "store";
    case ConfigHome::kField:
      return record.fields.empty() ? std::string_view() : std::string_view(record.fields.front());
    case ConfigHome::kInstance:
      break;
  }
  return "";
}

}  // namespace convoy
