// Planning of imports. Objects are read by the functions that read requests, so what is accepted
// here is what the REST API accepts.
#include "lib/http/resource/import_plan.h"

#include <algorithm>
#include <optional>
#include <set>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"

#include "convoy/config_read.h"
#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/http/request/authentication.h"
#include "lib/http/resource/config_fields.h"
#include "lib/http/resource/meta_project.h"
#include "lib/http/shape/endpoint_fields.h"
#include "lib/http/shape/fields.h"

namespace convoy::http {
namespace {

using json::ObjectReader;
using json::Value;

constexpr size_t kNotesMax = 100;
constexpr size_t kSecretsMax = 16;
constexpr size_t kMaskBytesMax = 64;

// Zero of Go, which stands for "never" and "not set".
bool IsUnset(absl::Time time) {
  return time < absl::FromCivil(absl::CivilDay(2, 1, 1), absl::UTCTimeZone());
}

// The first of `names` that `object` has as a text; empty if none.
std::string TextOf(const Value& object, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const auto member = object.FindMember(name);
    if (member != object.MemberEnd() && member->value.IsString() &&
        member->value.GetStringLength() > 0) {
      return {member->value.GetString(), member->value.GetStringLength()};
    }
  }
  return {};
}

// The id of an object that is named by "<name>_id", or shown as "<name>_metadata".
std::string ReferenceOf(const Value& object, const char* id, const char* metadata) {
  const std::string direct = TextOf(object, {id});
  if (!direct.empty()) return direct;
  const auto member = object.FindMember(metadata);
  const bool is_shown = member != object.MemberEnd() && member->value.IsObject();
  return is_shown ? TextOf(member->value, {"uid"}) : std::string();
}

std::optional<absl::Time> TimeOf(const Value& object, const char* name) {
  const std::optional<absl::Time> time = base::ParseTime(TextOf(object, {name}));
  return time.has_value() && !IsUnset(*time) ? time : std::nullopt;
}

class Planner {
 public:
  Planner(const Value& document, const GatewayOptions& options, const ApiParts& parts)
      : document_(document), options_(options), parts_(parts), now_(parts.clock->Now()) {}

  absl::StatusOr<ImportPlan> Run() {
    CONVOY_ASSIGN_OR_RETURN(plan_.instance_write.expected_revision,
                            parts_.storage->ConfigRevision(""));
    // Each list refers to those before it.
    CONVOY_RETURN_IF_ERROR(Walk("projects", &Planner::PlanProject));
    CONVOY_RETURN_IF_ERROR(Walk("sources", &Planner::PlanSource));
    CONVOY_RETURN_IF_ERROR(Walk("endpoints", &Planner::PlanEndpoint));
    CONVOY_RETURN_IF_ERROR(Walk("subscriptions", &Planner::PlanSubscription));
    CONVOY_RETURN_IF_ERROR(Walk("api_keys", &Planner::PlanApiKey));
    return std::move(plan_);
  }

 private:
  using Plan = absl::Status (Planner::*)(const Value& object);

  absl::Status Walk(const char* list, Plan plan) {
    list_ = list;
    seen_.clear();
    const auto member = document_.FindMember(list);
    if (member == document_.MemberEnd() || member->value.IsNull()) return absl::OkStatus();
    if (!member->value.IsArray()) return FieldError(list, "must be a list of objects");
    size_t index = 0;
    for (const Value& object : member->value.GetArray()) {
      label_ = absl::StrCat(list, "[", index++, "]");
      if (!object.IsObject()) {
        Refuse("must be an object");
        continue;
      }
      id_ = TextOf(object, {"uid", "id"});
      if (!MayBeId(id_)) {
        Refuse("uid:is missing or malformed");
        continue;
      }
      absl::StrAppend(&label_, " (", id_, ")");
      if (!seen_.insert(id_).second) {
        Refuse("uid:stands in the list twice");
        continue;
      }
      CONVOY_RETURN_IF_ERROR((this->*plan)(object));
    }
    return absl::OkStatus();
  }

  static void Note(ImportNotes& notes, std::string label, std::string_view reason) {
    if (++notes.count <= kNotesMax) notes.first.push_back({std::move(label), std::string(reason)});
  }
  void Refuse(std::string_view reason) { Note(plan_.refused, label_, reason); }
  void Skip(std::string_view reason) { Note(plan_.skipped, label_, reason); }

  // Whether an object of this id is in the store; then it is counted and left alone.
  template <ConfigObject T>
  absl::StatusOr<bool> Exists(const std::string& project_id) {
    const absl::Status found = GetConfig<T>(*parts_.storage, project_id, id_).status();
    if (found.ok()) ++plan_.existing[list_];
    if (!absl::IsNotFound(found)) return found.ok() ? absl::StatusOr<bool>(true) : found;
    CONVOY_ASSIGN_OR_RETURN(const bool is_taken, IsTaken<T>());
    if (is_taken) Refuse("uid:belongs to an object of another project or of the instance");
    return is_taken;
  }

  // Whether another project, or the instance, has an object of this id, which no read within the
  // own project finds, and which would be overwritten. Reads the ids of all projects, once for each
  // list.
  template <ConfigObject T>
  absl::StatusOr<bool> IsTaken() {
    const auto [taken, is_new] = taken_.try_emplace(ConfigKindOf<T>::value);
    if (is_new) {
      CONVOY_ASSIGN_OR_RETURN(const std::vector<Project> projects,
                              ListAllConfig<Project>(*parts_.storage, {.project_id = ""}));
      for (const Project& project : projects) {
        CONVOY_ASSIGN_OR_RETURN(const std::vector<T> objects,
                                ListAllConfig<T>(*parts_.storage, {.project_id = project.id}));
        for (const T& object : objects) taken->second.insert(object.id);
      }
      if constexpr (std::is_same_v<T, ApiKey>) {
        CONVOY_ASSIGN_OR_RETURN(const std::vector<T> keys,
                                ListAllConfig<T>(*parts_.storage, {.project_id = ""}));
        for (const T& key : keys) taken->second.insert(key.id);
      }
    }
    return taken->second.contains(id_);
  }

  // Takes an object that was read, or refuses it for what is wrong.
  template <typename T>
  void Add(std::vector<ConfigRecord>& puts, const T& object, const absl::Status& status) {
    if (!status.ok()) return Refuse(status.message());
    puts.push_back(object);
    ++plan_.created[list_];
  }

  template <typename T>
  void ReadStamps(const Value& object, T* out) {
    out->created_at = TimeOf(object, "created_at").value_or(now_);
    out->updated_at = TimeOf(object, "updated_at").value_or(out->created_at);
  }

  // The first that is read of a project is its revision.
  absl::Status Guard(const std::string& id) {
    const auto [write, is_new] = plan_.project_writes.try_emplace(id);
    if (!is_new) return absl::OkStatus();
    write->second.scope = id;
    CONVOY_ASSIGN_OR_RETURN(write->second.expected_revision, parts_.storage->ConfigRevision(id));
    return absl::OkStatus();
  }

  absl::Status PlanProject(const Value& object) {
    CONVOY_RETURN_IF_ERROR(Guard(id_));
    const auto stored = GetConfig<Project>(*parts_.storage, "", id_);
    if (stored.ok()) {
      ++plan_.existing[list_];
      projects_[id_] = *stored;
      return absl::OkStatus();
    }
    if (!absl::IsNotFound(stored.status())) return stored.status();
    Project project{.id = id_};
    ReadStamps(object, &project);
    project.config.signature.versions.push_back(
        {.id = parts_.ulids->Next(), .created_at = project.created_at});
    ObjectReader reader(object);
    const auto type = model::Parse<ProjectType>(TextOf(object, {"type"}));
    if (!type.has_value()) reader.FailField("type", "must be incoming or outgoing");
    project.type = type.value_or(ProjectType::kOutgoing);
    reader.Fail(ReadProject(object, options_, parts_, &project));
    const auto same_name = FindConfig<Project>(*parts_.storage, "name", project.name);
    if (same_name.ok() || !names_.insert(project.name).second) {
      reader.FailField("name", "a project with this name already exists");
    }
    if (reader.status().ok()) {
      reader.Fail(PlanMetaProject(parts_, &project, &plan_.instance_write));
    }
    projects_[id_] = project;
    Add(plan_.instance_write.puts, project, reader.status());
    return absl::OkStatus();
  }

  // Null, and refused, if the object belongs to no project of the document or the store.
  absl::StatusOr<const Project*> ProjectOf(const std::string& id) {
    const auto known = projects_.find(id);
    if (known != projects_.end()) return &known->second;
    if (MayBeId(id)) {
      CONVOY_RETURN_IF_ERROR(Guard(id));
      const auto stored = GetConfig<Project>(*parts_.storage, "", id);
      if (stored.ok()) return &(projects_[id] = *stored);
      if (!absl::IsNotFound(stored.status())) return stored.status();
    }
    Refuse("project_id:names no project of the document or of this instance");
    return nullptr;
  }

  absl::Status PlanSource(const Value& object) {
    CONVOY_ASSIGN_OR_RETURN(const Project* project, ProjectOf(TextOf(object, {"project_id"})));
    if (project == nullptr) return absl::OkStatus();
    sources_[project->id].insert(id_);
    CONVOY_ASSIGN_OR_RETURN(const bool exists, Exists<Source>(project->id));
    if (exists) return absl::OkStatus();
    Source source{.id = id_, .project_id = project->id, .mask_id = TextOf(object, {"mask_id"})};
    ReadStamps(object, &source);
    ObjectReader reader(object);
    reader.Fail(ReadSource(object, {true, project->type, parts_}, &source));
    if (!MayBeId(source.mask_id) || source.mask_id.size() > kMaskBytesMax ||
        source.mask_id.find_first_of("/?#%") != std::string::npos) {
      reader.FailField("mask_id", "is missing or malformed");
    } else {
      const auto taken = FindConfig<Source>(*parts_.storage, "mask_id", source.mask_id);
      if (taken.ok() || !masks_.insert(source.mask_id).second) {
        reader.FailField("mask_id", "another source has this link already");
      }
    }
    Add(plan_.project_writes[project->id].puts, source, reader.status());
    return absl::OkStatus();
  }

  absl::Status PlanEndpoint(const Value& object) {
    CONVOY_ASSIGN_OR_RETURN(const Project* project, ProjectOf(TextOf(object, {"project_id"})));
    if (project == nullptr) return absl::OkStatus();
    endpoints_[project->id].insert(id_);
    CONVOY_ASSIGN_OR_RETURN(const bool exists, Exists<Endpoint>(project->id));
    if (exists) return absl::OkStatus();
    Endpoint endpoint{.id = id_, .project_id = project->id};
    ReadStamps(object, &endpoint);
    ObjectReader reader(object);
    reader.Fail(ReadEndpoint(object, {*project, options_, /*may_be_local=*/true}, now_, nullptr,
                             &endpoint));
    // Its receiver knows the form that it has been sent, which was a choice in incoming projects,
    // too, when the endpoint was made by an older Convoy.
    reader.Read("advanced_signatures", &endpoint.has_advanced_signatures);
    const std::string status = TextOf(object, {"status"});
    const auto parsed = model::Parse<EndpointStatus>(status);
    if (parsed.has_value()) endpoint.status = *parsed;
    if (!parsed.has_value() && !status.empty()) {
      reader.FailField("status", "must be active, inactive or paused");
    }
    ReadSecrets(reader, &endpoint);
    Add(plan_.project_writes[project->id].puts, endpoint, reader.status());
    return absl::OkStatus();
  }

  // Those that sign: neither deleted nor at their end.
  void ReadSecrets(ObjectReader& reader, Endpoint* out) {
    bool is_encrypted = false;
    if (reader.Read("is_encrypted", &is_encrypted) && is_encrypted) {
      return reader.FailField("secrets", "are encrypted by Convoy, export them decrypted");
    }
    const Value* secrets = reader.Array("secrets");
    if (secrets != nullptr) {
      for (const Value& entry : secrets->GetArray()) {
        if (!entry.IsObject() || TimeOf(entry, "deleted_at").has_value()) continue;
        const std::optional<absl::Time> expires_at = TimeOf(entry, "expires_at");
        if (expires_at.has_value() && *expires_at <= now_) continue;
        Secret secret{.id = TextOf(entry, {"uid"}),
                      .value = TextOf(entry, {"value"}),
                      .expires_at = expires_at};
        ReadStamps(entry, &secret);
        if (secret.id.empty()) secret.id = parts_.ulids->Next();
        reader.Fail(CheckText("secrets.uid", secret.id));
        reader.Fail(CheckText("secrets.value", secret.value));
        if (secret.value.empty()) reader.FailField("secrets", "has an entry without a value");
        out->secrets.push_back(std::move(secret));
      }
    }
    const bool is_live =
        std::any_of(out->secrets.begin(), out->secrets.end(),
                    [](const Secret& secret) { return !secret.expires_at.has_value(); });
    if (!is_live || out->secrets.size() > kSecretsMax) {
      reader.FailField("secrets", absl::StrCat("must hold 1 to ", kSecretsMax,
                                               " secrets that sign, one of them without an end"));
    }
  }

  absl::Status PlanSubscription(const Value& object) {
    if (TextOf(object, {"type"}) == "cli") {
      Skip("type:subscriptions of Convoy's command line are not carried over");
      return absl::OkStatus();
    }
    CONVOY_ASSIGN_OR_RETURN(const Project* project, ProjectOf(TextOf(object, {"project_id"})));
    if (project == nullptr) return absl::OkStatus();
    CONVOY_ASSIGN_OR_RETURN(const bool exists, Exists<Subscription>(project->id));
    if (exists) return absl::OkStatus();
    Subscription subscription{.id = id_, .project_id = project->id};
    ReadStamps(object, &subscription);
    subscription.endpoint_id = ReferenceOf(object, "endpoint_id", "endpoint_metadata");
    subscription.source_id = ReferenceOf(object, "source_id", "source_metadata");
    ObjectReader reader(object);
    reader.Fail(ReadSubscription(object, json::ToText(object), project->config, parts_.scripting,
                                 &subscription));
    CONVOY_ASSIGN_OR_RETURN(const bool has_endpoint,
                            IsKnown<Endpoint>(endpoints_, project->id, subscription.endpoint_id));
    if (!has_endpoint) reader.FailField("endpoint_id", "names no endpoint of the project");
    if (!subscription.source_id.empty() || project->type == ProjectType::kIncoming) {
      CONVOY_ASSIGN_OR_RETURN(const bool has_source,
                              IsKnown<Source>(sources_, project->id, subscription.source_id));
      if (!has_source) reader.FailField("source_id", "names no source of the project");
    }
    CheckFilters(subscription, reader);
    Add(plan_.project_writes[project->id].puts, subscription, reader.status());
    return absl::OkStatus();
  }

  using IdsByProject = std::map<std::string, std::set<std::string>>;

  template <ConfigObject T>
  absl::StatusOr<bool> IsKnown(IdsByProject& listed, const std::string& project_id,
                               const std::string& id) {
    if (listed[project_id].contains(id)) return true;
    if (!MayBeId(id)) return false;
    const absl::Status found = GetConfig<T>(*parts_.storage, project_id, id).status();
    if (absl::IsNotFound(found)) return false;
    CONVOY_RETURN_IF_ERROR(found);
    return true;
  }

  // Convoy has a copy of the filter for each event type, which may have been changed by itself.
  void CheckFilters(const Subscription& subscription, ObjectReader& reader) {
    const Value* filters = reader.Array("filters");
    if (filters == nullptr) return;
    for (const Value& filter : filters->GetArray()) {
      if (!filter.IsObject()) continue;
      for (const auto& [name, own] : {std::pair("headers", &subscription.filter.headers),
                                      std::pair("body", &subscription.filter.body),
                                      std::pair("query", &subscription.filter.query),
                                      std::pair("path", &subscription.filter.path)}) {
        const auto member = filter.FindMember(name);
        const bool is_set = member != filter.MemberEnd() && member->value.IsObject() &&
                            !member->value.ObjectEmpty();
        const json::Document ours = json::Parse(own->empty() ? "{}" : *own, {}).value();
        if (is_set ? ours == member->value : ours.ObjectEmpty()) continue;
        return reader.FailField(
            absl::StrCat("filters.", name),
            "differs from the subscription's own filter: filters of single event types are not "
            "supported by this version, make a subscription for each");
      }
    }
  }

  absl::Status PlanApiKey(const Value& object) {
    const auto member = object.FindMember("role");
    const bool has_role = member != object.MemberEnd() && member->value.IsObject();
    const Value& role = has_role ? member->value : object;
    const std::string project_id = TextOf(role, {has_role ? "project" : "role_project"});
    const std::string type = TextOf(object, {"key_type"});
    if (project_id.empty() || (!type.empty() && type != "project" && type != "api_key")) {
      Skip("key_type:only keys of projects are carried over; others belong to users and devices");
      return absl::OkStatus();
    }
    const std::optional<absl::Time> expires_at = TimeOf(object, "expires_at");
    if (expires_at.has_value() && *expires_at <= now_) {
      Skip("expires_at:has passed");
      return absl::OkStatus();
    }
    CONVOY_ASSIGN_OR_RETURN(const Project* project, ProjectOf(project_id));
    if (project == nullptr) return absl::OkStatus();
    CONVOY_ASSIGN_OR_RETURN(const bool exists, Exists<ApiKey>(project->id));
    if (exists) return absl::OkStatus();
    std::optional<ApiKey> key = ConvoyApiKey(TextOf(object, {"mask_id"}), TextOf(object, {"salt"}),
                                             TextOf(object, {"hash"}));
    if (!key.has_value()) {
      Refuse(
          "mask_id, salt, hash:must be as Convoy stores them: 16 letters and digits, a text, "
          "and 32 bytes in base64");
      return absl::OkStatus();
    }
    const auto taken = FindConfig<ApiKey>(*parts_.storage, "mask_id", key->mask_id);
    absl::Status status;
    if (taken.ok() || !masks_.insert(absl::StrCat("key ", key->mask_id)).second) {
      status = FieldError("mask_id", "another key has this mask already");
    }
    key->id = id_;
    key->project_id = project->id;
    key->name = TextOf(object, {"name"});
    if (const absl::Status text = CheckText("name", key->name); !text.ok()) status = text;
    const std::string role_type = TextOf(role, {has_role ? "type" : "role_type"});
    key->role = role_type == "project_viewer" ? Role::kProjectViewer : Role::kProjectAdmin;
    key->expires_at = expires_at;
    key->created_at = TimeOf(object, "created_at").value_or(now_);
    Add(plan_.instance_write.puts, *key, status);
    return absl::OkStatus();
  }

  const Value& document_;
  const GatewayOptions& options_;
  const ApiParts& parts_;
  const absl::Time now_;
  ImportPlan plan_;
  // Of the object that is being read.
  std::string list_, label_, id_;
  std::set<std::string, std::less<>> seen_;  // ids of the list
  std::map<std::string, Project, std::less<>> projects_;
  IdsByProject sources_, endpoints_;
  std::map<ConfigKind, std::set<std::string>> taken_;
  std::set<std::string> names_, masks_;
};

}  // namespace

absl::StatusOr<ImportPlan> PlanImport(const Value& document, const GatewayOptions& options,
                                      const ApiParts& parts) {
  return Planner(document, options, parts).Run();
}

}  // namespace convoy::http
