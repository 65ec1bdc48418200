// In: routes, fields, and a table of what neither of them says. Out: JSON.
//
// Properties of requests are those of docs/fields.json, which a test holds against a running
// server; objects stay open, because fields that are not known are ignored.
#include "lib/http/openapi.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

#include "convoy/version.h"
#include "lib/http/router.h"
#include "lib/http/shape/envelope.h"
#include "lib/json/document.h"
#include "lib/json/writer.h"

namespace convoy::http {
namespace {

using json::Value;
using json::Writer;

// An operation apart from its path and its fields.
struct About {
  std::string_view operation;
  std::string_view statuses = "200";  // of success
  // Of the query; "*" behind one that may be given several times, "#" behind a whole number. A list
  // has those of kPage, too.
  std::string_view parameters = "";
  bool is_list = false;
  bool is_text = false;  // what it answers with is no JSON
};

constexpr std::string_view kPage = "perPage# direction next_page_cursor prev_page_cursor sort";
constexpr std::string_view kEventFilters =
    "startDate endDate endpointId* sourceId* idempotencyKey event_type";
constexpr std::string_view kEventSearch =
    "startDate endDate endpointId* sourceId* idempotencyKey event_type query";
constexpr std::string_view kDeliveryFilters =
    "startDate endDate endpointId* eventId subscriptionId idempotencyKey event_type status*";
constexpr std::string_view kDeliverySearch =
    "startDate endDate endpointId* eventId subscriptionId idempotencyKey event_type status* query";

// Those that are not listed answer with 200 and have no parameters.
constexpr About kAbouts[] = {
    {.operation = "ReadMetrics", .is_text = true},
    {"CreateProject", "201"},
    {"UpdateProject", "202"},
    {"ImportFromConvoy", "200", "dry_run"},
    {"CreateApiKey", "201"},
    {"CreateSource", "201"},
    {"ListSources", "200", "q type provider", true},
    {"UpdateSource", "202"},
    {"CreateEndpoint", "201"},
    {"ListEndpoints", "200", "q ownerId", true},
    {"GetPeriodFailureRates", "200", "endpointId* startDate endDate"},
    {"UpdateEndpoint", "202"},
    {"PauseEndpoint", "202"},
    {"ActivateEndpoint", "202"},
    {"CreatePortalLink", "201"},
    {"ListPortalLinks", "200", "ownerId endpointId*", true},
    {"UpdatePortalLink", "202"},
    {"OnboardEndpoints", "200 202", "dry_run"},
    {"CreateSubscription", "201"},
    {"ListSubscriptions", "200", "name endpointId*", true},
    {"UpdateSubscription", "202"},
    {"ToggleSubscriptionStatus", "202"},
    {"CreateFilter", "201"},
    {"CreateFilters", "201"},
    {"CreateEventType", "201"},
    {"UpdateEventType", "201"},
    {"DeprecateEventType", "201"},
    {"CreateEvent", "201"},
    {"CreateFanoutEvent", "201"},
    {"CreateBroadcastEvent", "201"},
    {"CreateDynamicEvent", "201"},
    {"ListEvents", "200", kEventSearch, true},
    {"BatchReplayEvents", "200", kEventFilters},
    {"CountBatchReplay", "200", kEventFilters},
    {"ListDeliveries", "200", kDeliverySearch, true},
    {"BatchRetryDeliveries", "200", kDeliveryFilters},
    {"CountBatchRetry", "200", kDeliveryFilters},
    {"ListMetaEvents", "200", "startDate endDate", true},
    {"ListJobs", "200", "", true},
    {"ListHeldInputs", "200", "sourceId* kind reason", true},
};

// Bodies that are lists of objects.
constexpr std::string_view kListBodies[] = {"CreateFilters", "UpdateFilters"};

About AboutOf(std::string_view operation) {
  const auto found = std::find_if(std::begin(kAbouts), std::end(kAbouts),
                                  [&](const About& about) { return about.operation == operation; });
  return found == std::end(kAbouts) ? About{.operation = operation} : *found;
}

std::string_view TextOf(const Value& object, const char* name) {
  const auto member = object.FindMember(name);
  if (member == object.MemberEnd() || !member->value.IsString()) return {};
  return {member->value.GetString(), member->value.GetStringLength()};
}

// One declared field, or an object of such.
struct Property {
  const Value* field = nullptr;
  std::map<std::string, Property, std::less<>> members;
};

void AddField(const Value& field, Property& root) {
  Property* at = &root;
  for (const std::string_view name : absl::StrSplit(TextOf(field, "name"), '.')) {
    at = &at->members[std::string(name)];
  }
  at->field = &field;
}

void WriteType(Writer& writer, std::string_view type) {
  if (type == "text") writer.Field("type", "string");
  if (type == "number") writer.Field("type", "integer").Field("minimum", 0);
  if (type == "boolean") writer.Field("type", "boolean");
  if (type == "object") writer.Field("type", "object");
  if (type == "list of texts") {
    writer.Field("type", "array").Key("items").BeginObject().Field("type", "string").EndObject();
  }
  if (type == "seconds") {
    writer.Key("oneOf").BeginArray();
    writer.BeginObject().Field("type", "integer").Field("minimum", 0).EndObject();
    writer.BeginObject().Field("type", "string").EndObject();
    writer.EndArray();
  }
}

// The schema of a field.
void WriteLeaf(Writer& writer, const Value& field) {
  WriteType(writer, TextOf(field, "type"));
  const std::string_view says = TextOf(field, "says");
  if (!says.empty()) writer.Field("description", says);
  const auto fallback = field.FindMember("default");
  if (fallback != field.MemberEnd()) writer.Key("default").Raw(json::ToText(fallback->value));
  const auto values = field.FindMember("values");
  if (values == field.MemberEnd()) return;
  // All that a refusal tells of; examples of something else are not among them.
  const auto told = field.FindMember("told");
  const Value& all = (told == field.MemberEnd() ? values : told)->value;
  const bool is_complete = std::all_of(
      values->value.Begin(), values->value.End(),
      [&all](const Value& value) { return std::find(all.Begin(), all.End(), value) != all.End(); });
  if (!is_complete) return;
  writer.Key("enum").BeginArray();
  bool has_default = fallback == field.MemberEnd();
  for (const Value& value : all.GetArray()) {
    writer.Raw(json::ToText(value));
    has_default = has_default || value == fallback->value;
  }
  if (!has_default) writer.Raw(json::ToText(fallback->value));
  writer.EndArray();
}

// Objects are as deep as the names in docs/fields.json.
void WriteProperty(Writer& writer, const Property& property, bool is_complete) {
  if (property.field != nullptr) return WriteLeaf(writer, *property.field);
  writer.Field("type", "object").Key("properties").BeginObject();
  std::vector<std::string_view> required;
  for (const auto& [name, member] : property.members) {
    writer.Key(name).BeginObject();
    WriteProperty(writer, member, is_complete);
    writer.EndObject();
    if (member.field != nullptr && member.field->HasMember("required")) required.push_back(name);
  }
  writer.EndObject();
  if (!is_complete || required.empty()) return;
  writer.Key("required").BeginArray();
  for (const std::string_view name : required) writer.String(name);
  writer.EndArray();
}

class Description {
 public:
  Description() : table_(json::Parse(FieldTable(), {}).value()) {
    for (const auto& [key, resource] : table_.GetObject()) {
      Property& root = resources_[std::string(TextOf(resource, "path"))];
      for (const Value& field : resource["fields"].GetArray()) AddField(field, root);
    }
    // One endpoint, all of an owner, all: the address differs.
    resources_["/events/fanout"] = resources_["/events/broadcast"] = resources_["/events"];
    resources_["/events/fanout"].members.erase("endpoint_id");
    for (const char* name : {"endpoint_id", "owner_id"}) {
      resources_["/events/broadcast"].members.erase(name);
    }
  }

  std::string Write() {
    writer_.BeginObject().Field("openapi", "3.0.3");
    writer_.Key("info").BeginObject().Field("title", "libconvoy").Field("version", kVersion);
    writer_.EndObject();
    writer_.Key("servers").BeginArray().BeginObject().Field("url", "/").EndObject().EndArray();
    writer_.Key("security").BeginArray().BeginObject().Key("key").BeginArray().EndArray();
    writer_.EndObject().EndArray();
    writer_.Key("paths").BeginObject();
    std::set<std::string_view> written;
    for (const Route& route : Routes()) {
      if (!written.insert(route.path).second) continue;
      WritePath(route.path);
    }
    writer_.EndObject();
    WriteComponents();
    writer_.EndObject();
    return writer_.TakeText();
  }

 private:
  void WritePath(std::string_view path) {
    writer_.Key(path).BeginObject();
    WritePathParameters(path);
    for (const Route& route : Routes()) {
      if (route.path != path) continue;
      for (const std::string_view method : absl::StrSplit(route.methods, ' ')) {
        writer_.Key(absl::AsciiStrToLower(method)).BeginObject();
        WriteOperation(route, method);
        writer_.EndObject();
      }
    }
    writer_.EndObject();
  }

  void WritePathParameters(std::string_view path) {
    writer_.Key("parameters").BeginArray();
    for (const std::string_view segment : absl::StrSplit(path, '/')) {
      if (!segment.starts_with('{')) continue;
      WriteParameter("path", segment.substr(1, segment.size() - 2), "string", false);
    }
    writer_.EndArray();
  }

  void WriteParameter(std::string_view in, std::string_view name, std::string_view type,
                      bool is_repeatable) {
    writer_.BeginObject().Field("name", name).Field("in", in).Field("required", in == "path");
    writer_.Key("schema").BeginObject();
    if (is_repeatable) writer_.Field("type", "array").Key("items").BeginObject();
    writer_.Field("type", type);
    if (is_repeatable) writer_.EndObject();
    writer_.EndObject().EndObject();
  }

  void WriteOperation(const Route& route, std::string_view method) {
    const About about = AboutOf(route.name);
    // One handler may serve several methods or paths.
    const int times = ++times_[route.name];
    writer_.Field("operationId", absl::StrCat(route.name, times == 1 ? "" : absl::StrCat(times)));
    const std::string parameters =
        about.is_list ? absl::StrCat(about.parameters, " ", kPage) : std::string(about.parameters);
    writer_.Key("parameters").BeginArray();
    for (std::string_view name : absl::StrSplit(parameters, ' ', absl::SkipEmpty())) {
      const bool is_repeatable = name.ends_with('*'), is_number = name.ends_with('#');
      if (is_repeatable || is_number) name.remove_suffix(1);
      WriteParameter("query", name, is_number ? "integer" : "string", is_repeatable);
    }
    writer_.EndArray();
    if (method != "GET" && method != "DELETE") WriteBody(route);
    writer_.Key("responses").BeginObject();
    for (const std::string_view status : absl::StrSplit(about.statuses, ' ')) {
      if (about.is_text) {
        WriteText(status);
        continue;
      }
      WriteAnswer(status, "success", about.is_list ? "Page" : "Success");
    }
    WriteAnswer("4XX", "refused: the message says why", "Failure");
    WriteAnswer("503", "not now: try again later", "Failure");
    writer_.EndObject();
  }

  void WriteAnswer(std::string_view status, std::string_view description, std::string_view schema) {
    writer_.Key(status).BeginObject().Field("description", description);
    writer_.Key("content").BeginObject().Key("application/json").BeginObject();
    writer_.Key("schema").BeginObject();
    writer_.Field("$ref", absl::StrCat("#/components/schemas/", schema));
    writer_.EndObject().EndObject().EndObject().EndObject();
  }

  void WriteText(std::string_view status) {
    writer_.Key(status).BeginObject().Field("description", "success");
    writer_.Key("content").BeginObject().Key("text/plain").BeginObject();
    writer_.Key("schema").BeginObject().Field("type", "string");
    writer_.EndObject().EndObject().EndObject().EndObject();
  }

  // A resource is made at its path, and changed at that of one of them.
  void WriteBody(const Route& route) {
    constexpr std::string_view kProject = "/api/v1/projects/{projectID}";
    std::string path = route.path == "/api/v1/projects" || route.path == kProject
                           ? std::string()
                           : absl::StrReplaceAll(route.path, {{kProject, ""}});
    const bool is_change = route.path == kProject || path.ends_with('}');
    if (is_change && !path.empty()) path.resize(path.rfind('/'));
    const bool is_list = std::find(std::begin(kListBodies), std::end(kListBodies), route.name) !=
                         std::end(kListBodies);
    const auto resource = resources_.find(path);
    writer_.Key("requestBody").BeginObject().Key("content").BeginObject();
    writer_.Key("application/json").BeginObject().Key("schema").BeginObject();
    if (is_list) {
      writer_.Field("type", "array").Key("items").BeginObject().Field("type", "object").EndObject();
    } else if (resource == resources_.end()) {
      writer_.Field("type", "object");
    } else {
      WriteProperty(writer_, resource->second, !is_change);
    }
    writer_.EndObject().EndObject().EndObject().EndObject();
  }

  void WriteComponents() {
    writer_.Key("components").BeginObject().Key("securitySchemes").BeginObject();
    writer_.Key("key").BeginObject().Field("type", "http").Field("scheme", "bearer").EndObject();
    writer_.EndObject();
    writer_.Key("schemas").Raw(
        R"({"Success":{"type":"object","required":["status","message","data"],"properties":{)"
        R"("status":{"type":"boolean","enum":[true]},"message":{"type":"string"},"data":{}}},)"
        R"("Page":{"type":"object","required":["status","message","data"],"properties":{)"
        R"("status":{"type":"boolean","enum":[true]},"message":{"type":"string"},)"
        R"("data":{"type":"object","required":["content","pagination"],"properties":{)"
        R"("content":{"type":"array","items":{"type":"object"}},)"
        R"("pagination":{"$ref":"#/components/schemas/Pagination"}}}}},)"
        R"("Pagination":{"type":"object","required":["per_page","has_next_page","has_prev_page",)"
        R"("next_page_cursor","prev_page_cursor"],"properties":{"per_page":{"type":"integer"},)"
        R"("has_next_page":{"type":"boolean"},"has_prev_page":{"type":"boolean"},)"
        R"("next_page_cursor":{"type":"string"},"prev_page_cursor":{"type":"string"}}},)"
        R"("Failure":{"type":"object","required":["status","message"],"properties":{)"
        R"("status":{"type":"boolean","enum":[false]},"message":{"type":"string"}}}})");
    writer_.EndObject();
  }

  const json::Document table_;
  std::map<std::string, Property, std::less<>> resources_;  // by their paths
  std::map<std::string_view, int> times_;                   // that each handler was written
  Writer writer_;
};

}  // namespace

std::string_view OpenApiText() {
  static const std::string* const text = new std::string(Description().Write());
  return *text;
}

HttpResponse DescribeApi(const HttpRequest& request) {
  if (request.method != "GET" && request.method != "HEAD") return MethodNotAllowed("GET, HEAD");
  return {.status = 200,
          .headers = {{"Content-Type", "application/json"}},
          .body = std::string(OpenApiText())};
}

}  // namespace convoy::http
