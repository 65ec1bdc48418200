// Judgement of requests in two passes, before and after the body; see streaming.h.
#include "lib/verify/streaming.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "convoy/streamed_verification.h"
#include "lib/verify/message_template.h"

namespace convoy {
namespace {

using verify::Condition;
using verify::Locator;
using verify::MessageTemplate;
using verify::Scheme;
using verify::SchemeType;

// True also for templates that do not compile: those are refused elsewhere.
bool IsOfHeadAlone(const std::string& text) {
  const auto compiled = MessageTemplate::Compile(text);
  return !compiled.ok() || compiled->is_of_head();
}

bool AreOfHeadAlone(const std::vector<Condition>& conditions) {
  return std::all_of(conditions.begin(), conditions.end(), [](const Condition& condition) {
    return verify::IsOfHead(condition.place) && !condition.is_absent_if_empty &&
           IsOfHeadAlone(condition.expected);
  });
}

// Owns what the views of a request point to.
class OwnedHead {
 public:
  explicit OwnedHead(const VerifyRequest& head)
      : method_(head.method), url_(head.url), path_(head.path), query_(head.query) {
    texts_.reserve(head.headers.size());
    headers_.reserve(head.headers.size());
    for (const HeaderView& header : head.headers) {
      const auto& [name, value] = texts_.emplace_back(header.name, header.value);
      headers_.push_back({name, value});
    }
  }
  OwnedHead(const OwnedHead&) = delete;
  OwnedHead& operator=(const OwnedHead&) = delete;

  VerifyRequest With(std::string_view body) const {
    return {.method = method_,
            .url = url_,
            .path = path_,
            .query = query_,
            .headers = headers_,
            .body = body};
  }

 private:
  const std::string method_, url_, path_, query_;
  std::vector<std::pair<std::string, std::string>> texts_;  // not resized after construction
  std::vector<HeaderView> headers_;
};

// The body goes into the computations alone.
class PassingVerification final : public StreamedVerification {
 public:
  PassingVerification(std::shared_ptr<const Verifier> verifier,
                      const verify::StreamingVerifier& streaming, const VerifyRequest& head)
      : verifier_(std::move(verifier)), streaming_(streaming), head_(head) {
    streaming_.VerifyStream(head_.With(""), &stream_, absl::InfinitePast());
  }

  bool Feed(std::string_view piece) override {
    stream_.Feed(piece);
    return true;
  }
  Verdict Finish(absl::Time now) override {
    stream_.Complete();
    return streaming_.VerifyStream(head_.With(""), &stream_, now);
  }
  bool keeps_body() const override { return false; }

 private:
  const std::shared_ptr<const Verifier> verifier_;  // owns the keys
  const verify::StreamingVerifier& streaming_;
  const OwnedHead head_;
  verify::BodyStream stream_;
};

class KeepingVerification final : public StreamedVerification {
 public:
  KeepingVerification(std::shared_ptr<const Verifier> verifier, const VerifyRequest& head,
                      size_t kept_bytes_max)
      : verifier_(std::move(verifier)), head_(head), kept_bytes_max_(kept_bytes_max) {}

  bool Feed(std::string_view piece) override {
    if (is_too_large_ || piece.size() > kept_bytes_max_ - body_.size()) {
      is_too_large_ = true;
      body_ = std::string();
      return false;
    }
    body_.append(piece);
    return true;
  }
  Verdict Finish(absl::Time now) override {
    if (is_too_large_) return {.reason = VerifyReason::kMalformed};
    return verifier_->Verify(head_.With(body_), now);
  }
  bool keeps_body() const override { return true; }

 private:
  const std::shared_ptr<const Verifier> verifier_;
  const OwnedHead head_;
  const size_t kept_bytes_max_;
  std::string body_;
  bool is_too_large_ = false;
};

}  // namespace

bool verify::CanStream(const Scheme& scheme) {
  const auto is_of_head = [](const Locator& place) { return IsOfHead(place); };
  if (!AreOfHeadAlone(scheme.when) || !AreOfHeadAlone(scheme.checks)) return false;
  switch (scheme.type) {
    case SchemeType::kNone:
    case SchemeType::kBasic:
      return true;
    case SchemeType::kToken:
    case SchemeType::kHmac:
      break;
    default:
      return false;
  }
  const auto& places = scheme.signature.places;
  if (!scheme.each.empty() || !std::all_of(places.begin(), places.end(), is_of_head)) return false;
  if (scheme.type == SchemeType::kToken) return true;
  if (scheme.timestamp.has_value() && scheme.timestamp->from.has_value() &&
      !IsOfHead(*scheme.timestamp->from)) {
    return false;
  }
  const auto message = MessageTemplate::Compile(scheme.message);
  return message.ok() && message->is_streamable();
}

std::unique_ptr<StreamedVerification> BeginVerification(std::shared_ptr<const Verifier> verifier,
                                                        const VerifyRequest& head,
                                                        size_t kept_bytes_max) {
  const auto* streaming = dynamic_cast<const verify::StreamingVerifier*>(verifier.get());
  if (streaming != nullptr && streaming->can_stream()) {
    return std::make_unique<PassingVerification>(std::move(verifier), *streaming, head);
  }
  return std::make_unique<KeepingVerification>(std::move(verifier), head, kept_bytes_max);
}

}  // namespace convoy
