// Steps are found by asking the same parts that judge: places, signatures, templates.
// explain_causes.cc finds the changes that would make a request pass.
#include "lib/verify/explain.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "lib/base/encoding.h"
#include "lib/crypto/digest.h"
#include "lib/json/writer.h"
#include "lib/verify/conditions.h"
#include "lib/verify/message_template.h"
#include "lib/verify/preset_verifier.h"
#include "lib/verify/secret_key.h"
#include "lib/verify/signature_reader.h"
#include "lib/verify/time_window.h"

namespace convoy::verify {
namespace {

std::string Sha256Of(std::string_view bytes) {
  return base::HexEncode(crypto::Hash(crypto::HashAlgorithm::kSha256, bytes).view());
}

std::string_view KindName(Locator::Kind kind) {
  using Kind = Locator::Kind;
  switch (kind) {
    case Kind::kHeader:
      return "header";
    case Kind::kQuery:
      return "query";
    case Kind::kForm:
      return "form";
    case Kind::kJson:
      return "json";
    case Kind::kItem:
      return "item";
    case Kind::kSignatureItem:
      return "sig";
    case Kind::kJwt:
      return "jwt";
    case Kind::kConfig:
      return "config";
    case Kind::kBody:
      break;
  }
  return "body";
}

std::string NameOf(const Locator& place) {
  if (place.kind == Locator::Kind::kBody) return "body";
  return absl::StrCat(KindName(place.kind), ":", place.name);
}

std::string_view NameOf(Finding finding) {
  if (finding == Finding::kFound) return "found";
  return finding == Finding::kMissing ? "missing" : "there twice, or not to be read";
}

// Steps of one scheme. Each is taken as far as the one before it lets it.
class Tracer {
 public:
  Tracer(const ExplainInput& input, const Scheme& scheme, Evidence evidence)
      : input_(input), scheme_(scheme), evidence_(evidence) {
    trace_.name = scheme.name;
  }

  ExplainedScheme Trace() {
    if (!TraceConditions()) return std::move(trace_);
    trace_.is_applied = true;
    TraceSecrets();
    if (scheme_.type != SchemeType::kNone && scheme_.type != SchemeType::kBasic) TraceSignature();
    if (scheme_.type == SchemeType::kBasic) {
      AddPlace("credentials", {Locator::Kind::kHeader, "Authorization"});
    }
    const bool has_message =
        scheme_.type == SchemeType::kHmac || scheme_.type == SchemeType::kDigest ||
        scheme_.type == SchemeType::kEd25519 || scheme_.type == SchemeType::kEcdsaP256 ||
        scheme_.type == SchemeType::kRsaPkcs1;
    if (has_message && scheme_.each.empty()) TraceMessage();
    for (const Condition& check : scheme_.checks) AddPlace("check", check.place);
    return std::move(trace_);
  }

 private:
  void Add(std::string_view what, std::string place, std::string finding) {
    trace_.steps.push_back({std::string(what), std::move(place), std::move(finding)});
  }

  void AddPlace(std::string_view what, const Locator& place) {
    Text text;
    Add(what, NameOf(place), std::string(NameOf(evidence_.Find(place, &text))));
  }

  bool TraceConditions() {
    const auto when = Conditions::Compile(scheme_.when);
    const bool holds = when.ok() && when->Evaluate(evidence_) == VerifyReason::kAccepted;
    for (const Condition& condition : scheme_.when) AddPlace("condition", condition.place);
    if (!holds) Add("condition", "", "the scheme does not apply to this request");
    return holds;
  }

  void TraceSecrets() {
    std::string lengths;
    for (const std::string& secret : input_.settings.secrets) {
      const auto keys = DecodeSecret(scheme_.key, secret);
      absl::StrAppend(&lengths, lengths.empty() ? "" : ", ",
                      keys.ok() ? absl::StrCat(keys->back().size(), " bytes")
                                : std::string(keys.status().message()));
    }
    Add("secrets", absl::StrCat(input_.settings.secrets.size(), " configured"), lengths);
  }

  void TraceSignature() {
    for (const Locator& place : scheme_.signature.places) {
      if (place.kind != Locator::Kind::kItem) AddPlace("signature", place);
    }
    found_reason_ = ReadSignatures(scheme_, 0, &evidence_, &found_);
    if (found_.candidates_count > 0) {
      Add("signature", "",
          absl::StrCat(found_.candidates_count, " of the scheme's form, the first of ",
                       found_.candidates[0].size(), " characters"));
    } else if (!scheme_.signature.prefix.empty()) {
      Add("signature", "", absl::StrCat("none begins with \"", scheme_.signature.prefix, "\""));
    }
    if (!scheme_.timestamp.has_value()) return;
    const auto& from = scheme_.timestamp->from;
    const std::string place = from.has_value() ? NameOf(*from) : "the first item of the signature";
    const auto at = ParseTimestamp(scheme_.timestamp->unit, found_.timestamp.view());
    Add("timestamp", place,
        at.has_value() ? absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", *at, absl::UTCTimeZone())
                       : "missing, or not of the scheme's form");
  }

  void TraceMessage() {
    const auto message = MessageTemplate::Compile(scheme_.message);
    std::string text;
    if (!message.ok() || found_reason_ != VerifyReason::kAccepted) return;
    const Finding rendered = message->Render(evidence_, &text);
    if (rendered != Finding::kFound) {
      Add("message", scheme_.message, absl::StrCat("a part of it is ", NameOf(rendered)));
    } else if (message->uses_secret()) {
      Add("message", scheme_.message, absl::StrCat(text.size(), " bytes beside the secret"));
    } else {
      Add("message", scheme_.message,
          absl::StrCat(text.size(), " bytes, SHA-256 ", Sha256Of(text)));
    }
  }

  const ExplainInput& input_;
  const Scheme& scheme_;
  Evidence evidence_;
  FoundSignatures found_;
  VerifyReason found_reason_ = VerifyReason::kAccepted;
  ExplainedScheme trace_;
};

VerifierSettings OnlyScheme(const VerifierSettings& settings, const std::string& name) {
  VerifierSettings only = settings;
  only.scheme = name;
  return only;
}

bool IsWanted(const Scheme& scheme, std::string_view wanted) {
  return wanted.empty() ? !scheme.is_opt_in : scheme.name == wanted;
}

std::vector<ExplainedScheme> TraceSchemes(const ExplainInput& input) {
  const Parameters parameters(input.settings.parameters.begin(), input.settings.parameters.end());
  std::vector<ExplainedScheme> traces;
  for (const Scheme& scheme : input.preset.schemes) {
    if (!IsWanted(scheme, input.settings.scheme)) continue;
    body::BodyView body(input.request.headers, input.request.body);
    const Evidence evidence{.request = input.request, .parameters = parameters, .body = body};
    ExplainedScheme trace = Tracer(input, scheme, evidence).Trace();
    const auto verifier =
        CompilePresetVerifier(input.preset, OnlyScheme(input.settings, scheme.name), input.keys);
    if (!verifier.ok()) {
      trace.reason = "unusable";
      trace.steps.push_back({"secrets", "", std::string(verifier.status().message())});
    } else if (trace.is_applied) {
      trace.reason = VerifyReasonName((*verifier)->Verify(input.request, input.now).reason);
    }
    traces.push_back(std::move(trace));
  }
  return traces;
}

}  // namespace

Explanation Explain(const ExplainInput& input) {
  Explanation explanation{.body_sha256 = Sha256Of(input.request.body),
                          .body_bytes = input.request.body.size()};
  explanation.schemes = TraceSchemes(input);
  const auto verifier = CompilePresetVerifier(input.preset, input.settings, input.keys);
  if (!verifier.ok()) {
    explanation.verdict.reason = VerifyReason::kUnknownKey;
    explanation.causes.push_back({"configuration", std::string(verifier.status().message())});
  } else {
    explanation.verdict = (*verifier)->Verify(input.request, input.now);
    explanation.scheme = explanation.verdict.scheme;
    const auto answer = (*verifier)->AnswerChallenge(input.request, input.now);
    if (answer.has_value()) explanation.challenge_status = answer->response.status;
  }
  if (explanation.verdict.accepted()) return explanation;
  if (explanation.challenge_status != 0) {
    explanation.causes.push_back(
        {"handshake", "the request is a handshake: it is answered, and never becomes an event"});
    return explanation;
  }
  for (Cause& cause : FindCauses(input, explanation.verdict)) {
    explanation.causes.push_back(std::move(cause));
  }
  return explanation;
}

std::string ToJson(const Explanation& explanation) {
  json::Writer writer;
  writer.BeginObject()
      .Field("accepted", explanation.verdict.accepted())
      .Field("reason", VerifyReasonName(explanation.verdict.reason))
      .FieldIfSet("scheme", explanation.scheme)
      .Field("integrity", IntegrityName(explanation.verdict.integrity))
      .Field("is_handshake", explanation.challenge_status != 0);
  writer.Key("body").BeginObject();
  writer.Field("bytes", explanation.body_bytes).Field("sha256", explanation.body_sha256);
  writer.EndObject();
  writer.Key("causes").BeginArray();
  for (const Cause& cause : explanation.causes) {
    writer.BeginObject().Field("code", cause.code).Field("text", cause.text).EndObject();
  }
  writer.EndArray();
  writer.Key("schemes").BeginArray();
  for (const ExplainedScheme& scheme : explanation.schemes) {
    writer.BeginObject()
        .Field("name", scheme.name)
        .Field("applies", scheme.is_applied)
        .FieldIfSet("reason", scheme.reason);
    writer.Key("steps").BeginArray();
    for (const ExplainedStep& step : scheme.steps) {
      writer.BeginObject()
          .Field("what", step.what)
          .FieldIfSet("place", step.place)
          .FieldIfSet("finding", step.finding)
          .EndObject();
    }
    writer.EndArray().EndObject();
  }
  writer.EndArray().EndObject();
  return writer.TakeText();
}

}  // namespace convoy::verify
