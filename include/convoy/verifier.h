// Stateless verification of webhooks: whether a request comes from the sender that it claims.
//
// A scheme is data: the place of the signature, its encoding, the bytes that it covers, the
// tolerance of its timestamp. It is compiled once into a Verifier, which any number of threads may
// use at once, and which does not allocate memory to accept a request of an HMAC scheme. Nothing
// here needs a gateway, a store or a thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "convoy/http.h"
#include "convoy/model.h"

namespace convoy {

// Input of a scheme. Borrowed views.
struct VerifyRequest {
  std::string_view method;
  // The public URL as the provider knows it. Only schemes that sign the URL use it.
  std::string_view url;
  std::string_view path;
  std::string_view query;  // without '?', percent-encoded
  std::span<const HeaderView> headers;
  std::string_view body;  // raw bytes, never re-serialised
};

// Why a request was refused. The numeric values and the names are permanent.
enum class VerifyReason : uint8_t {
  kAccepted = 0,
  kMissingHeader = 1,  // a header or field that the scheme needs is absent
  kMalformed = 2,      // present but not of the scheme's form, or ambiguous (given twice)
  kUnknownKey = 3,     // the request names a key that is not configured
  kSignatureMismatch = 4,
  kTooOld = 5,
  kTooFarInFuture = 6,
  kReplayed = 7,
  kKeyUnavailable = 8,  // the provider's published key is not loaded yet; trying again may help
};

// "signature_mismatch" and so on.
std::string_view VerifyReasonName(VerifyReason reason);

// How much of the request the signature covers.
enum class Integrity : uint8_t { kNone, kPartial, kFull };
std::string_view IntegrityName(Integrity integrity);

// The outcome of one verification. Never holds an expected value. The view points into the
// verifier.
struct Verdict {
  VerifyReason reason = VerifyReason::kSignatureMismatch;
  Integrity integrity = Integrity::kNone;
  std::string_view scheme;              // name of the scheme that decided
  int32_t secret_index = -1;            // index of the secret that matched; -1: none
  std::optional<absl::Time> signed_at;  // the timestamp that the scheme carries
  std::string missing_key_url;          // for kKeyUnavailable: the URL to fetch
  // The instant until which the same request would be accepted again; nullopt: for ever.
  std::optional<absl::Time> replayable_until;

  bool accepted() const { return reason == VerifyReason::kAccepted; }
};

// The answer to a handshake, and further steps.
struct ChallengeAnswer {
  HttpResponse response;
  std::string learned_secret;  // the provider's secret: store it if the source has none yet
  std::string visit_url;       // to be fetched once, as confirmation; its host has been checked
};

// Immutable and safe to share between threads.
class Verifier {
 public:
  virtual ~Verifier() = default;

  // Verifies one request as of `now`. It does not fail: any defect of the request is a refusal.
  virtual Verdict Verify(const VerifyRequest& request, absl::Time now) const = 0;

  // The provider's id of the event that an accepted request carries, UTF-8; empty if there is none.
  virtual std::string EventId(const VerifyRequest& /*request*/) const { return ""; }

  // Answers a handshake of the provider (X's `GET ?crc_token=…`, Slack's url_verification, …);
  // nullopt if `request` is not a handshake. Call it before Verify.
  virtual std::optional<ChallengeAnswer> AnswerChallenge(const VerifyRequest& /*request*/,
                                                         absl::Time /*now*/) const {
    return std::nullopt;
  }

  // The HTTP status that the provider expects for a wrong signature; 0: it does not matter.
  virtual int refusal_status() const { return 0; }
};

// Settings of a verifier beyond its scheme.
struct VerifierSettings {
  std::vector<std::string> secrets;  // each may have signed; the newest one last
  // Values for {config:NAME} in a scheme or challenge: PayPal's webhook_id, a token's audience.
  std::map<std::string, std::string> parameters;
  std::string scheme;  // the only scheme of a preset to use; empty: the default ones
};

// Compiles a scheme, or a user's own preset, given as JSON (docs/verification.md describes the
// fields). The scheme defines the format of the keys. kInvalidArgument names the wrong field. If
// the scheme needs a secret, an empty list and a secret that cannot be decoded are refused.
absl::StatusOr<std::shared_ptr<const Verifier>> CompileScheme(std::string_view json,
                                                              VerifierSettings settings);
absl::StatusOr<std::shared_ptr<const Verifier>> CompileScheme(std::string_view json,
                                                              std::vector<std::string> secrets);

// A preset by its name: "github", "shopify", "stripe", …; kNotFound otherwise.
absl::StatusOr<std::shared_ptr<const Verifier>> CompilePreset(std::string_view name,
                                                              VerifierSettings settings);
absl::StatusOr<std::shared_ptr<const Verifier>> CompilePreset(std::string_view name,
                                                              std::vector<std::string> secrets);

// The verifier of a source: its provider's scheme or, without a provider, its own verifier.
absl::StatusOr<std::shared_ptr<const Verifier>> CompileSourceVerifier(const Source& source);

// Verifies one request as of `now` and explains the verdict step by step, as JSON: what each scheme
// looked for and found, the number and the SHA-256 of the signed bytes, and under "causes" the
// changes that would make a refused request pass (docs/verification.md). It is for people who
// connect a provider: it tries thousands of spellings of secret, URL and body. The result never
// holds a secret or an expected signature.
//
// Errors are those of CompileScheme and CompilePreset, except that a defect of a secret is a cause.
absl::StatusOr<std::string> ExplainScheme(std::string_view json, const VerifierSettings& settings,
                                          const VerifyRequest& request, absl::Time now);
absl::StatusOr<std::string> ExplainPreset(std::string_view name, const VerifierSettings& settings,
                                          const VerifyRequest& request, absl::Time now);
absl::StatusOr<std::string> ExplainSource(const Source& source, const VerifyRequest& request,
                                          absl::Time now);

struct PresetInfo {
  std::string name;                  // "github"
  std::string title;                 // "GitHub"
  std::vector<std::string> schemes;  // their names
  // The names of the parameters that some scheme needs, and of those that may be given.
  std::vector<std::string> parameters_needed;
  std::vector<std::string> parameters_used;
  // The requests that are not events: when a link is saved or tested, or at intervals; "none: …".
  std::string handshake;
  std::string evidence;              // "official_code", "official_docs", …
  std::vector<std::string> sources;  // where the facts come from
  // Of the weakest default scheme: how much of a request is signed, and how long the same request
  // is accepted again; nullopt: for ever.
  Integrity integrity = Integrity::kNone;
  std::optional<absl::Duration> replay_window;
  // The parameter that tells customers apart if the provider signs for all of them with one key, or
  // "none: …"; empty if each customer has a secret.
  std::string tenant;
};
std::vector<PresetInfo> ListPresets();  // in order of their names

}  // namespace convoy
