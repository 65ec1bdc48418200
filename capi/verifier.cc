// The stateless verifier.
#include "convoy/verifier.h"

#include "absl/strings/str_cat.h"

#include "capi/shim.h"

struct convoy_verifier {
  std::shared_ptr<const convoy::Verifier> verifier;
};

struct convoy_verdict {
  bool is_accepted;
  const char* reason;
  const char* integrity;
  int32_t secret_index;
  std::string event_id;  // a copy: the request may be gone
};

using convoy::capi::BorrowedRequest;
using convoy::capi::CheckRequest;
using convoy::capi::Fail;
using convoy::capi::FailNull;
using convoy::capi::Guard;
using convoy::capi::IsReadable;
using convoy::capi::Slice;
using convoy::capi::View;

convoy_status convoy_verifier_new(const char* text, size_t text_size, const convoy_slice* secrets,
                                  size_t secrets_count, convoy_verifier** out,
                                  convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (out == nullptr) return FailNull(error, "out");
    *out = nullptr;
    if (!IsReadable(text, text_size)) return FailNull(error, "text");
    if (!IsReadable(secrets, secrets_count)) return FailNull(error, "secrets");
    for (size_t i = 0; i < secrets_count; ++i) {
      if (!IsReadable(secrets[i].data, secrets[i].size)) {
        return FailNull(error, absl::StrCat("secrets[", i, "]"));
      }
    }
    std::vector<std::string> texts;
    for (size_t i = 0; i < secrets_count; ++i) texts.emplace_back(View(secrets[i]));
    const std::string_view source = View(text, text_size);
    auto compiled = source.starts_with('{') ? convoy::CompileScheme(source, std::move(texts))
                                            : convoy::CompilePreset(source, std::move(texts));
    if (!compiled.ok()) return Fail(error, compiled.status());
    *out = new convoy_verifier{*std::move(compiled)};
    return CONVOY_OK;
  });
}

convoy_status convoy_verifier_verify(const convoy_verifier* verifier, const convoy_request* request,
                                     int64_t now_us, convoy_verdict** out, convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (out == nullptr) return FailNull(error, "out");
    *out = nullptr;
    if (verifier == nullptr) return FailNull(error, "verifier");
    if (const convoy_status checked = CheckRequest(request, error)) return checked;
    const BorrowedRequest borrowed(*request);
    const convoy::VerifyRequest verify_request{.method = borrowed.http.method,
                                               .path = borrowed.http.path,
                                               .query = borrowed.http.query,
                                               .headers = borrowed.headers,
                                               .body = borrowed.http.body};
    const convoy::Verdict verdict =
        verifier->verifier->Verify(verify_request, absl::FromUnixMicros(now_us));
    // The names are literals, so they end with a NUL.
    *out = new convoy_verdict{
        verdict.accepted(), convoy::VerifyReasonName(verdict.reason).data(),
        convoy::IntegrityName(verdict.integrity).data(), verdict.secret_index,
        verdict.accepted() ? verifier->verifier->EventId(verify_request) : std::string()};
    return CONVOY_OK;
  });
}

void convoy_verifier_free(convoy_verifier* verifier) { delete verifier; }

int32_t convoy_verdict_is_accepted(const convoy_verdict* verdict) {
  return verdict != nullptr && verdict->is_accepted;
}

const char* convoy_verdict_reason(const convoy_verdict* verdict) {
  return verdict == nullptr ? "" : verdict->reason;
}

const char* convoy_verdict_integrity(const convoy_verdict* verdict) {
  return verdict == nullptr ? "" : verdict->integrity;
}

int32_t convoy_verdict_secret_index(const convoy_verdict* verdict) {
  return verdict == nullptr ? -1 : verdict->secret_index;
}

void convoy_verdict_event_id(const convoy_verdict* verdict, convoy_slice* out) {
  if (out != nullptr) *out = verdict == nullptr ? convoy_slice{} : Slice(verdict->event_id);
}

void convoy_verdict_free(convoy_verdict* verdict) { delete verdict; }
