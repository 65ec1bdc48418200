// The gateway that serves the pages: files from memory, sessions, and requests to the REST API, to
// which it adds the credential of the session. Everything else is passed on as it came.
//
// A browser may be made to send its cookie by pages of others. Requests with a session therefore
// carry a header that no form and no link can make, which scripts of other origins may not send
// either, because no request of theirs is ever permitted; the cookie is SameSite=Strict besides.
#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

#include "convoy/forwarding_gateway.h"
#include "convoy/ui.h"
#include "lib/base/text.h"
#include "lib/http/shape/envelope.h"
#include "lib/json/document.h"
#include "lib/ui/assets.h"
#include "lib/ui/place.h"
#include "lib/ui/session_table.h"

namespace convoy::ui {
namespace {

using Kind = Place::Kind;

constexpr uint64_t kSmallBodyBytesMax = 4096;
constexpr std::string_view kPageHeader = "X-Convoy-Ui";
constexpr std::string_view kAccessPath = "/api/v1/access";
constexpr std::string_view kScriptName = "app.js";

// A request as the REST API is to get it. Owns what `request` borrows, but for what the caller's
// request lends until it is answered.
struct Forwarded {
  std::string path;
  std::string authorization;
  std::vector<HeaderView> headers;
  HttpRequest request;
};

// An answer, or a request that is to be passed on and what its answer becomes.
struct Plan {
  std::optional<HttpResponse> answer;
  std::shared_ptr<Forwarded> forwarded;
  std::function<HttpResponse(HttpResponse)> finish;
};

HttpResponse Redirect(std::string location) {
  return {.status = 302,
          .headers = {{"Location", std::move(location)}, {"Referrer-Policy", "no-referrer"}}};
}

std::string_view CookieName(bool is_portal) { return is_portal ? "convoy_portal" : "convoy_ui"; }

// The session's id that a request shows; empty if it shows none, or several.
std::string_view CookieOf(const HttpRequest& request, std::string_view name) {
  std::string_view found;
  for (const HeaderView& header : request.headers) {
    if (!base::EqualsIgnoreCase(header.name, "Cookie")) continue;
    for (std::string_view each : absl::StrSplit(header.value, ';')) {
      each = absl::StripAsciiWhitespace(each);
      if (each.size() <= name.size() || !each.starts_with(name) || each[name.size()] != '=') {
        continue;
      }
      if (!found.empty()) return {};
      found = each.substr(name.size() + 1);
    }
  }
  return found;
}

// Whether a request was made by a script of these pages, not by a page of others.
bool IsOfOurPages(const HttpRequest& request) {
  const auto site = base::FindHeader(request.headers, "Sec-Fetch-Site");
  return base::FindHeader(request.headers, kPageHeader).has_value() &&
         site.value_or("same-origin") == "same-origin";
}

const Asset* FindAsset(std::string_view path) {
  for (const Asset& asset : Assets()) {
    if (asset.path == path) return &asset;
  }
  return nullptr;
}

bool TakesGzip(const HttpRequest& request) {
  const std::string_view accepted =
      base::FindHeader(request.headers, "Accept-Encoding").value_or("");
  for (std::string_view each : absl::StrSplit(accepted, ',')) {
    if (absl::StripAsciiWhitespace(each.substr(0, each.find(';'))) != "gzip") continue;
    const size_t weight = each.find("q=");
    return weight == each.npos || each.find_first_not_of("0. ", weight + 2) != each.npos;
  }
  return false;
}

std::shared_ptr<Forwarded> Forward(const HttpRequest& from, std::string_view path,
                                   std::string authorization) {
  auto to = std::make_shared<Forwarded>();
  to->path = path;
  to->authorization = std::move(authorization);
  for (const HeaderView& header : from.headers) {
    const bool is_ours = base::EqualsIgnoreCase(header.name, "Cookie") ||
                         base::EqualsIgnoreCase(header.name, "Authorization");
    if (!is_ours) to->headers.push_back(header);
  }
  to->headers.push_back({"Authorization", to->authorization});
  to->request = from;
  to->request.path = to->path;
  to->request.headers = to->headers;
  return to;
}

// No answer of the API may be shown as a page, whatever is in it.
HttpResponse AsData(HttpResponse response) {
  response.headers.push_back({"Cache-Control", "no-store"});
  response.headers.push_back(
      {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox"});
  return response;
}

class UiGateway final : public ForwardingGateway {
 public:
  UiGateway(Gateway* next, UiOptions options, std::shared_ptr<Clock> clock,
            std::shared_ptr<Random> random)
      : ForwardingGateway(next),
        options_(std::move(options)),
        sessions_(std::make_shared<SessionTable>(clock, random, options_.session_idle_max,
                                                 options_.sessions_max)),
        portal_sessions_(std::make_shared<SessionTable>(std::move(clock), std::move(random),
                                                        options_.session_idle_max,
                                                        options_.sessions_max)) {}

  HeadDecision InspectHead(const HttpRequest& head) override {
    const Place place = PlaceOf(options_.prefix, head.path);
    if (place.kind == Kind::kElsewhere) return next().InspectHead(head);
    if (place.kind != Kind::kApi) return {.body_bytes_max = kSmallBodyBytesMax};
    const Plan plan = PlanApi(head, place);
    if (plan.answer.has_value()) return {.refusal = plan.answer};
    return next().InspectHead(plan.forwarded->request);
  }

  HttpResponse RefuseTooLarge(const HttpRequest& head) override {
    const Place place = PlaceOf(options_.prefix, head.path);
    if (place.kind == Kind::kElsewhere) return next().RefuseTooLarge(head);
    if (place.kind != Kind::kApi) return http::Failure(413, "the pages take no bodies");
    const Plan plan = PlanApi(head, place);
    return plan.answer.has_value() ? *plan.answer : next().RefuseTooLarge(plan.forwarded->request);
  }

  std::optional<HttpResponse> Handle(const HttpRequest& request) override {
    const Place place = PlaceOf(options_.prefix, request.path);
    if (place.kind == Kind::kElsewhere) return next().Handle(request);
    Plan plan = PlanOf(request, place);
    if (plan.answer.has_value()) return *std::move(plan.answer);
    auto answer = next().Handle(plan.forwarded->request);
    return plan.finish(answer.has_value() ? *std::move(answer) : http::Failure(404, "not found"));
  }

  bool HandleAsync(const HttpRequest& request, std::function<void(HttpResponse)> done) override {
    const Place place = PlaceOf(options_.prefix, request.path);
    if (place.kind == Kind::kElsewhere) return next().HandleAsync(request, std::move(done));
    Plan plan = PlanOf(request, place);
    if (plan.answer.has_value()) {
      done(*std::move(plan.answer));
      return true;
    }
    const auto forwarded = plan.forwarded;
    const bool is_taken = next().HandleAsync(
        forwarded->request, [forwarded, done, finish = plan.finish](HttpResponse response) {
          done(finish(std::move(response)));
        });
    if (!is_taken) done(plan.finish(http::Failure(404, "not found")));
    return true;
  }

  bool RefuseOverloadedAsync(const HttpRequest& head,
                             std::function<void(HttpResponse)> done) override {
    if (PlaceOf(options_.prefix, head.path).kind == Kind::kElsewhere) {
      return next().RefuseOverloadedAsync(head, std::move(done));
    }
    done(OverloadedResponse());
    return true;
  }

 private:
  Plan PlanOf(const HttpRequest& request, const Place& place) {
    if (place.kind == Kind::kSession) return PlanSession(request, place);
    if (place.kind == Kind::kApi) return PlanApi(request, place);
    if (request.method != "GET" && request.method != "HEAD") {
      return {.answer = http::MethodNotAllowed("GET, HEAD")};
    }
    HttpResponse response = FileOrRedirect(request, place);
    if (request.method == "HEAD") response.body.clear();
    return {.answer = std::move(response)};
  }

  HttpResponse FileOrRedirect(const HttpRequest& request, const Place& place) const {
    const std::string query = request.query.empty() ? "" : absl::StrCat("?", request.query);
    // Relative, so that a proxy may put the pages elsewhere.
    if (place.kind == Kind::kPortalLink) {
      return Redirect(absl::StrCat(options_.prefix.substr(1), "/portal/", query));
    }
    if (place.kind == Kind::kBare) {
      const size_t last = options_.prefix.rfind('/') + 1;
      const std::string folder = place.is_portal ? "portal" : options_.prefix.substr(last);
      return Redirect(absl::StrCat(folder, "/", query));
    }
    if (place.rest.empty()) return Page(request, place.is_portal);
    const Asset* const asset = FindAsset(place.rest);
    if (asset == nullptr || place.rest == "index.html") {
      return http::Failure(404, "the pages have no such file");
    }
    HttpResponse response = File(request, *asset);
    // The page names the script with the hash of what is in it.
    const bool is_versioned = asset->path == kScriptName && request.query.starts_with("v=");
    response.headers.push_back(
        {"Cache-Control", is_versioned ? "public, max-age=31536000, immutable" : "no-cache"});
    return response;
  }

  static HttpResponse File(const HttpRequest& request, const Asset& asset) {
    const bool is_packed = TakesGzip(request);
    HttpResponse response{.status = 200,
                          .headers = {{"Content-Type", std::string(asset.content_type)},
                                      {"X-Content-Type-Options", "nosniff"},
                                      {"Cross-Origin-Resource-Policy", "same-origin"},
                                      {"Vary", "Accept-Encoding"}},
                          .body = std::string(is_packed ? asset.gzip_bytes : asset.bytes)};
    if (is_packed) response.headers.push_back({"Content-Encoding", "gzip"});
    return response;
  }

  HttpResponse Page(const HttpRequest& request, bool is_portal) const {
    HttpResponse response = File(request, *FindAsset("index.html"));
    const bool is_framed = is_portal && !options_.portal_frame_origins.empty();
    const std::string ancestors =
        is_framed ? absl::StrJoin(options_.portal_frame_origins, " ") : "'none'";
    response.headers.push_back(
        {"Content-Security-Policy",
         absl::StrCat("default-src 'none'; script-src 'self'; style-src ", StyleHash(),
                      "; connect-src 'self'; img-src 'self' data:; base-uri 'none'; "
                      "form-action 'none'; require-trusted-types-for 'script'; "
                      "trusted-types 'none'; frame-ancestors ",
                      ancestors)});
    if (!is_framed) response.headers.push_back({"X-Frame-Options", "DENY"});
    response.headers.push_back({"Referrer-Policy", "no-referrer"});
    response.headers.push_back({"Cache-Control", "no-cache"});
    response.headers.push_back({"Cross-Origin-Opener-Policy", "same-origin"});
    response.headers.push_back(
        {"Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=()"});
    return response;
  }

  Plan PlanApi(const HttpRequest& request, const Place& place) {
    if (!IsOfOurPages(request)) {
      return {.answer = AsData(http::Failure(
                  403, absl::StrCat("requests of the pages carry the header ", kPageHeader)))};
    }
    const auto shown = base::FindHeader(request.headers, "Authorization");
    std::string authorization;
    if (shown.has_value() && place.is_portal) {
      // A framed portal has no cookie: browsers keep those of framed pages away.
      authorization = *shown;
    } else if (auto key = SessionsOf(place.is_portal)
                              ->Find(CookieOf(request, CookieName(place.is_portal)))) {
      authorization = absl::StrCat("Bearer ", *key);
    } else {
      return {.answer = AsData(http::Failure(401, "log in: there is no session, or it has ended"))};
    }
    return {.forwarded = Forward(request, place.rest, std::move(authorization)), .finish = AsData};
  }

  // POST {"key": …} logs in, DELETE logs out.
  Plan PlanSession(const HttpRequest& request, const Place& place) {
    if (!IsOfOurPages(request)) {
      return {.answer = AsData(http::Failure(403, "sessions are made by the pages"))};
    }
    const std::shared_ptr<SessionTable> sessions = SessionsOf(place.is_portal);
    sessions->Close(CookieOf(request, CookieName(place.is_portal)));
    if (request.method == "DELETE") {
      HttpResponse response = http::Success(200, "logged out");
      response.headers.push_back(
          {"Set-Cookie", Cookie(place.is_portal, options_.has_secure_cookies, "", "; Max-Age=0")});
      return {.answer = AsData(std::move(response))};
    }
    if (request.method != "POST") return {.answer = http::MethodNotAllowed("POST, DELETE")};
    std::string key;
    const absl::Status read = ReadKey(request.body, &key);
    if (!read.ok()) return {.answer = AsData(http::FromStatus(read))};
    auto forwarded = Forward(request, kAccessPath, absl::StrCat("Bearer ", key));
    forwarded->request.method = "GET";
    forwarded->request.query = {};
    forwarded->request.body = {};
    return {.forwarded = std::move(forwarded),
            .finish = [sessions, key, is_portal = place.is_portal,
                       is_secure = options_.has_secure_cookies](HttpResponse response) {
              if (response.status == 200) {
                response.headers.push_back(
                    {"Set-Cookie", Cookie(is_portal, is_secure, sessions->Open(key), "")});
              }
              return AsData(std::move(response));
            }};
  }

  static absl::Status ReadKey(std::string_view body, std::string* key) {
    const absl::StatusOr<json::Document> document = json::Parse(body, {});
    if (!document.ok()) return document.status();
    json::ObjectReader reader(*document);
    reader.Read("key", key);
    if (reader.status().ok() && (key->empty() || !base::IsHeaderValue(*key))) {
      reader.FailField("key", "must be an API key, CO.…, or the token of a portal link, PRT.…");
    }
    return reader.status();
  }

  // Without a path: that of the folder in which the browser sees the request is right behind a
  // proxy, too.
  static std::string Cookie(bool is_portal, bool is_secure, std::string_view id,
                            std::string_view more) {
    return absl::StrCat(CookieName(is_portal), "=", id, "; HttpOnly; SameSite=Strict",
                        is_secure ? "; Secure" : "", more);
  }

  // Apart, so that the token of a portal cannot end sessions of operators by making many.
  const std::shared_ptr<SessionTable>& SessionsOf(bool is_portal) const {
    return is_portal ? portal_sessions_ : sessions_;
  }

  const UiOptions options_;
  const std::shared_ptr<SessionTable> sessions_;
  const std::shared_ptr<SessionTable> portal_sessions_;
};

bool IsPrefix(std::string_view text) {
  const auto is_plain = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.' ||
           c == '/';
  };
  return text.size() > 1 && text.size() <= 256 && text.front() == '/' && text.back() != '/' &&
         text.find("//") == text.npos && std::all_of(text.begin(), text.end(), is_plain);
}

// "https://app.example.com", without anything that ends a source of a content security policy.
bool IsOrigin(std::string_view text) {
  const size_t scheme = text.find("://");
  if (scheme == text.npos ||
      (text.substr(0, scheme) != "https" && text.substr(0, scheme) != "http"))
    return false;
  const std::string_view host = text.substr(scheme + 3);
  return !host.empty() && host.size() <= 256 && std::all_of(host.begin(), host.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == ':' ||
           c == '[' || c == ']' || c == '*';
  });
}

}  // namespace
}  // namespace convoy::ui

namespace convoy {

absl::StatusOr<std::unique_ptr<Gateway>> NewUiGateway(Gateway* next, UiOptions options,
                                                      std::shared_ptr<Clock> clock,
                                                      std::shared_ptr<Random> random) {
  if (!ui::IsPrefix(options.prefix)) {
    return absl::InvalidArgumentError(
        "the prefix of the pages must begin with a slash, not end with one, and consist of "
        "letters, digits, '-', '_', '.' and '/'");
  }
  for (const std::string& origin : options.portal_frame_origins) {
    if (!ui::IsOrigin(origin)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "an origin that may frame the portal must be like https://app.example.com: ", origin));
    }
  }
  if (options.sessions_max == 0)
    return absl::InvalidArgumentError("sessions_max must be at least 1");
  if (clock == nullptr) clock = NewSystemClock();
  if (random == nullptr) random = NewSystemRandom();
  return std::make_unique<ui::UiGateway>(next, std::move(options), std::move(clock),
                                         std::move(random));
}

}  // namespace convoy
