// Preset: the behaviour of one provider as data. Its schemes are alternatives; its challenges are
// the handshakes that the provider makes. The files in presets/ are such objects, each with the
// source of its facts.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "lib/json/document.h"
#include "lib/verify/scheme.h"

namespace convoy::verify {

// The characters that the message of a challenge may have.
enum class MessageAlphabet : uint8_t { kToken, kHex, kUuid };

// A value that the answer to a challenge holds and that only who knows the secret can compute.
struct Computation {
  crypto::HashAlgorithm algorithm = crypto::HashAlgorithm::kSha256;
  bool is_keyed = true;  // HMAC with the secret; otherwise a plain digest
  SignatureEncoding encoding = SignatureEncoding::kHex;
  std::string message;
  // A text that is signed on request must never be one that signs an event as well.
  MessageAlphabet alphabet = MessageAlphabet::kToken;
  size_t size_min = 1;
  size_t size_max = 1024;
};

// Path at the root of a host (RFC 8615), here behind a source's link.
inline constexpr std::string_view kWellKnown = "/.well-known/";

struct Challenge {
  std::string method = "POST";
  std::string path;  // "/.well-known/…" behind the link; empty: the link itself
  std::vector<Condition> when;
  bool is_signed = false;  // answered only if the request is accepted by a scheme
  std::optional<Computation> computed;
  int status = 200;
  std::string content_type = "text/plain";
  std::vector<std::pair<std::string, std::string>> headers;  // name, template
  std::string body;                                          // a template
  std::optional<Locator> learns_secret;  // the provider hands over the secret here
  std::optional<Locator> visits;         // a URL that has to be fetched to confirm
  std::vector<std::string> hosts;        // where `visits` may point
};

struct Preset {
  std::string title;  // "GitHub"
  std::vector<std::string> aliases;
  std::vector<Scheme> schemes;
  std::vector<Challenge> challenges;
  std::optional<Locator> event_id;
  int refusal_status = 0;  // what the provider expects to see for a wrong signature; 0: no matter
  std::vector<std::string> test_secrets;  // published keys of tests: only named in explanations
  std::string handshake;  // how the provider tries a link, or that it does not; for people
  // The parameter that tells customers apart, where the provider signs for all of them with one
  // key, or "none: …". Empty where secrets are a customer's own.
  std::string tenant;
  std::string evidence;  // how the facts are known: official_code, official_docs, …
  std::vector<std::string> sources;
};

// kInvalidArgument names the field; one that is unknown is refused.
absl::StatusOr<Preset> LoadPreset(std::string_view json);
// The same, or a scheme alone: what users write themselves. A preset has a list of schemes.
absl::StatusOr<Preset> LoadDefinition(std::string_view json);
absl::StatusOr<Challenge> LoadChallenge(const json::Value& object);

// The built-in presets in order of their names.
struct PresetFile {
  std::string_view name;
  std::string_view json;
};
std::span<const PresetFile> PresetFiles();
// Null if there is none of that name.
const PresetFile* FindPresetFile(std::string_view name);
// By name or alias; kNotFound otherwise.
absl::StatusOr<Preset> FindPreset(std::string_view name);

}  // namespace convoy::verify
