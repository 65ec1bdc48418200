// The objects of a trial, made through the REST API of the gateway itself. Each is looked for by
// its name first, so a start that was interrupted, or is repeated, completes what is missing.
#include "examples/convoyd/dev.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "rapidjson/document.h"

#include "examples/convoyd/database.h"
#include "examples/convoyd/files.h"
#include "examples/convoyd/json_text.h"

namespace convoyd {
namespace {

bool IsLoopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1";
}

std::string NewSecret() {
  constexpr std::string_view kLetters = "abcdefghijkmnpqrstuvwxyz23456789";
  std::random_device random;
  std::string secret;
  for (int i = 0; i < 24; ++i) secret += kLetters[random() % kLetters.size()];
  return secret;
}

// A new file for the key, the owner's alone, that takes the place of what stands at `path` when the
// key is in it. Opened before there is a key, so that none is lost because it cannot be written.
class KeyFile {
 public:
  explicit KeyFile(std::string path) : path_(std::move(path)), new_path_(path_ + "-XXXXXX") {}
  ~KeyFile() {
    if (file_ < 0) return;
    close(file_);
    if (!is_kept_) unlink(new_path_.c_str());
  }
  KeyFile(const KeyFile&) = delete;
  KeyFile& operator=(const KeyFile&) = delete;

  absl::Status Open() {
    file_ = mkostemp(new_path_.data(), O_CLOEXEC);  // O_EXCL, 0600; follows no link
    return file_ < 0 ? Failed(path_) : absl::OkStatus();
  }
  absl::Status Write(const std::string& key) {
    is_kept_ = true;  // the only copy of the key from here on
    const std::string line = absl::StrCat(key, "\n");
    if (write(file_, line.data(), line.size()) != std::ssize(line) || fsync(file_) != 0) {
      return Failed(new_path_);
    }
    if (rename(new_path_.c_str(), path_.c_str()) == 0) return absl::OkStatus();
    return Failed(absl::StrCat(path_, ", the key is in ", new_path_));
  }

 private:
  static absl::Status Failed(const std::string& path) {
    return absl::InternalError(absl::StrCat("cannot write ", path));
  }

  const std::string path_;
  std::string new_path_;
  int file_ = -1;
  bool is_kept_ = false;
};

// The key that administers the instance: made with the database, then kept beside it.
absl::StatusOr<std::string> KeyOf(convoy::Gateway& gateway, const std::string& database) {
  const std::string path = absl::StrCat(database, "-dev-key");
  KeyFile file(path);
  absl::Status status = file.Open();
  if (!status.ok()) return status;
  const absl::StatusOr<std::string> made = gateway.Bootstrap();
  if (made.ok()) {
    status = file.Write(*made);
    if (!status.ok()) return status;
    return *made;
  }
  if (!absl::IsAlreadyExists(made.status())) return made.status();
  absl::StatusOr<std::string> kept = ReadSecretFile(path);
  if (kept.ok()) return kept;
  return absl::FailedPreconditionError(absl::StrCat("the instance in ", database,
                                                    " has its key already; write it to ", path,
                                                    ", or give --dev another --database"));
}

// A client of the gateway within its process.
class Client {
 public:
  Client(convoy::Gateway& gateway, const std::string& key)
      : gateway_(gateway), authorization_(absl::StrCat("Bearer ", key)) {}

  // The member `data` of the answer; an error says what was refused.
  absl::StatusOr<rapidjson::Document> Call(std::string_view method, const std::string& path,
                                           std::string_view query = "",
                                           std::string_view body = "") {
    const convoy::HeaderView headers[] = {{"Authorization", authorization_},
                                          {"Content-Type", "application/json"}};
    const std::string full = absl::StrCat("/api/v1/projects", path);
    const auto response = gateway_.Handle(
        {.method = method, .path = full, .query = query, .headers = headers, .body = body});
    rapidjson::Document answer;
    if (response.has_value()) answer.Parse(response->body.data(), response->body.size());
    if (!response.has_value() || answer.HasParseError() || response->status >= 300 ||
        !answer.IsObject() || !answer.HasMember("data")) {
      return absl::FailedPreconditionError(
          absl::StrCat(method, " ", full, " answered ",
                       response.has_value() ? response->body : std::string("nothing")));
    }
    rapidjson::Document data;
    data.CopyFrom(answer["data"], data.GetAllocator());
    return data;
  }

  // The object called "dev" in the list at `path`, else a new one made of `fields`.
  absl::StatusOr<rapidjson::Document> FindOrMake(const std::string& path, std::string_view query,
                                                 const std::string& fields) {
    auto page = Call("GET", path, query);
    if (!page.ok()) return page.status();
    const rapidjson::Value& list = page->IsArray() ? *page : (*page)["content"];
    for (const rapidjson::Value& item : list.GetArray()) {
      if (std::string_view(item["name"].GetString()) != NameIn(fields)) continue;
      rapidjson::Document found;
      found.CopyFrom(item, found.GetAllocator());
      return found;
    }
    auto made = Call("POST", path, "", fields);
    if (!made.ok() || !made->HasMember("project")) return made;
    rapidjson::Document project;
    project.CopyFrom((*made)["project"], project.GetAllocator());
    return project;
  }

 private:
  static std::string NameIn(const std::string& fields) {
    rapidjson::Document document;
    document.Parse(fields.data(), fields.size());
    return document["name"].GetString();
  }

  convoy::Gateway& gateway_;
  const std::string authorization_;
};

std::string TextOf(const rapidjson::Value& object, const char* field) {
  return object[field].GetString();
}

// The endpoint of a trial. Its URL follows the address that the server has this time.
absl::StatusOr<std::string> MakeEndpoint(Client& client, const std::string& project,
                                         const std::string& url) {
  const std::string receiver = absl::StrCat(url, "/dev/receiver");
  const std::string path = absl::StrCat(project, "/endpoints");
  const std::string fields =
      JsonLine().Add("name", "dev").Add("url", receiver).Add("owner_id", "dev").Take();
  const auto endpoint = client.FindOrMake(path, "q=dev&perPage=1000", fields);
  if (!endpoint.ok()) return endpoint.status();
  const std::string id = TextOf(*endpoint, "uid");
  if (TextOf(*endpoint, "url") != receiver) {
    const auto moved = client.Call("PUT", absl::StrCat(path, "/", id), "", fields);
    if (!moved.ok()) return moved.status();
  }
  return id;
}

struct Objects {
  std::string incoming, outgoing;  // "/<id>"
  std::string endpoint;            // of `outgoing`
  std::string mask, secret;        // of the source
};

absl::StatusOr<Objects> MakeObjects(Client& client, const std::string& url) {
  Objects made;
  for (auto [path, type] :
       {std::pair(&made.incoming, "incoming"), std::pair(&made.outgoing, "outgoing")}) {
    const auto project = client.FindOrMake(
        "", "", JsonLine().Add("name", absl::StrCat("dev ", type)).Add("type", type).Take());
    if (!project.ok()) return project.status();
    *path = absl::StrCat("/", TextOf(*project, "uid"));
  }
  const auto source = client.FindOrMake(
      absl::StrCat(made.incoming, "/sources"), "q=dev&perPage=1000",
      absl::StrCat(R"({"name":"dev","type":"http","verifier":{"type":"preset","preset":)",
                   R"({"name":"github","secrets":[)", JsonString(NewSecret()), "]}}}"));
  if (!source.ok()) return source.status();
  made.mask = TextOf(*source, "mask_id");
  const rapidjson::Value& verifier = (*source)["verifier"];
  if (verifier.HasMember("preset")) {
    made.secret = verifier["preset"]["secrets"].GetArray()[0].GetString();
  }
  for (const std::string& project : {made.incoming, made.outgoing}) {
    const auto endpoint = MakeEndpoint(client, project, url);
    if (!endpoint.ok()) return endpoint.status();
    if (project == made.outgoing) made.endpoint = *endpoint;
    JsonLine fields;
    fields.Add("name", "dev").Add("endpoint_id", *endpoint);
    if (project == made.incoming) fields.Add("source_id", TextOf(*source, "uid"));
    const auto subscription = client.FindOrMake(absl::StrCat(project, "/subscriptions"),
                                                "name=dev&perPage=1000", fields.Take());
    if (!subscription.ok()) return subscription.status();
  }
  return made;
}

// Ids, secrets and addresses are alphanumeric or of the form host:port: nothing needs quoting.
constexpr std::string_view kCommands =
    R"(# Not for production: see standard error. Try it in a second shell.

# Receive: a webhook that is signed as GitHub signs. It is verified, stored and delivered.
BODY='{"action":"opened","number":42}'
SIGNATURE=$(printf %s "$BODY" | openssl dgst -sha256 -hmac {SECRET} -r | cut -d' ' -f1)
curl -sS {URL}/ingest/{MASK} -H 'Content-Type: application/json' \
  -H "X-Hub-Signature-256: sha256=$SIGNATURE" -d "$BODY"; echo

# Send: an event to an endpoint. It is signed with the endpoint's secret and delivered.
KEY={KEY}
curl -sS {URL}/api/v1/projects{OUTGOING}/events -H "Authorization: Bearer $KEY" \
  -H 'Content-Type: application/json' \
  -d '{"endpoint_id":"{ENDPOINT}","event_type":"invoice.paid","data":{"invoice":7}}'; echo

# The latest that the receiver in this process was given, and the deliveries of both projects.
curl -sS {URL}/dev/receiver
curl -sS {URL}/api/v1/projects{INCOMING}/eventdeliveries -H "Authorization: Bearer $KEY"; echo
curl -sS {URL}/api/v1/projects{OUTGOING}/eventdeliveries -H "Authorization: Bearer $KEY"; echo

# The same in a browser, logged in with the key: {DASHBOARD}
)";

std::string DashboardOf(const Settings& settings, const std::string& url) {
  return settings.has_ui ? absl::StrCat(url, settings.ui_prefix, "/") : "serve --dev --ui";
}

}  // namespace

TrialFolder::~TrialFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

absl::Status TrialFolder::Make() {
  std::error_code error;
  const std::filesystem::path parent = std::filesystem::temp_directory_path(error);
  std::string pattern = error ? "/tmp/convoyd-dev-XXXXXX" : parent / "convoyd-dev-XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) {
    return absl::InternalError("cannot make a temporary folder, give --database");
  }
  path_ = pattern;
  return absl::OkStatus();
}

absl::Status PrepareTrial(Settings& settings, TrialFolder& folder) {
  if (!IsLoopback(settings.listen_address)) {
    return absl::InvalidArgumentError(
        "--dev listens on this machine only: listen must be 127.0.0.1 or [::1] with a port");
  }
  if (!settings.tls_cert.empty()) {
    return absl::InvalidArgumentError("--dev serves plain HTTP, leave tls_cert and tls_key out");
  }
  if (IsPostgres(settings.database)) {
    return absl::InvalidArgumentError(
        "--dev keeps a key beside its database: give it an SQLite file");
  }
  for (const char* network : {"127.0.0.0/8", "::1/128"}) {
    settings.allowed_networks.emplace_back(network);
  }
  if (settings.has_database) return absl::OkStatus();
  const absl::Status made = folder.Make();
  if (made.ok()) settings.database = absl::StrCat(folder.path(), "/convoy.db");
  return made;
}

absl::StatusOr<std::string> MakeTrial(convoy::Gateway& gateway, const Settings& settings,
                                      const std::string& url) {
  const absl::StatusOr<std::string> key = KeyOf(gateway, settings.database);
  if (!key.ok()) return key.status();
  Client client(gateway, *key);
  const absl::StatusOr<Objects> made = MakeObjects(client, url);
  if (!made.ok()) return made.status();
  return absl::StrReplaceAll(kCommands, {{"{URL}", url},
                                         {"{DASHBOARD}", DashboardOf(settings, url)},
                                         {"{KEY}", *key},
                                         {"{MASK}", made->mask},
                                         {"{SECRET}", made->secret},
                                         {"{INCOMING}", made->incoming},
                                         {"{OUTGOING}", made->outgoing},
                                         {"{ENDPOINT}", made->endpoint}});
}

}  // namespace convoyd
