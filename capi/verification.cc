// Entry points that judge a request whose body comes in pieces.
#include <limits>

#include "capi/verifier.h"
#include "convoy/streamed_verification.h"

struct convoy_verification {
  std::shared_ptr<const convoy::Verifier> verifier;
  std::unique_ptr<convoy::StreamedVerification> streamed;
  bool is_over = false;  // finished, or its body was too large
};

namespace {

using convoy::capi::BorrowedVerifyRequest;
using convoy::capi::CheckRequest;
using convoy::capi::Fail;
using convoy::capi::FailNull;
using convoy::capi::FillView;
using convoy::capi::Guard;
using convoy::capi::IsReadable;
using convoy::capi::View;
using convoy::capi::ZeroView;

convoy_status CheckOpen(const convoy_verification* verification, convoy_error** error) {
  if (verification == nullptr) return FailNull(error, "verification");
  if (!verification->is_over) return CONVOY_OK;
  return Fail(error, CONVOY_E_STATE, "the verification has ended: free it");
}

}  // namespace

convoy_status convoy_verification_begin(const convoy_verifier* verifier, const convoy_request* head,
                                        uint64_t kept_bytes_max, convoy_verification** out,
                                        convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (out == nullptr) return FailNull(error, "out");
    *out = nullptr;
    if (verifier == nullptr) return FailNull(error, "verifier");
    if (const convoy_status checked = CheckRequest(head, error)) return checked;
    const BorrowedVerifyRequest borrowed(*head);
    const uint64_t bytes_max =
        std::min<uint64_t>(kept_bytes_max, std::numeric_limits<size_t>::max());
    auto streamed =
        convoy::BeginVerification(verifier->verifier, *borrowed, static_cast<size_t>(bytes_max));
    *out = new convoy_verification{verifier->verifier, std::move(streamed)};
    return CONVOY_OK;
  });
}

convoy_status convoy_verification_feed(convoy_verification* verification, const void* data,
                                       size_t size, convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (const convoy_status checked = CheckOpen(verification, error)) return checked;
    if (!IsReadable(data, size)) return FailNull(error, "data");
    if (verification->streamed->Feed(View(static_cast<const char*>(data), size))) return CONVOY_OK;
    verification->is_over = true;
    return Fail(error, CONVOY_E_TOO_LARGE,
                "the scheme needs the whole body, which is larger than kept_bytes_max");
  });
}

convoy_status convoy_verification_finish(convoy_verification* verification, int64_t now_us,
                                         convoy_verdict_view* out, convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (const convoy_status sized = ZeroView(out, error)) return sized;
    if (const convoy_status checked = CheckOpen(verification, error)) return checked;
    verification->is_over = true;
    FillView(verification->streamed->Finish(absl::FromUnixMicros(now_us)), *verification->verifier,
             out);
    return CONVOY_OK;
  });
}

int32_t convoy_verification_keeps_body(const convoy_verification* verification) {
  return verification != nullptr && verification->streamed->keeps_body();
}

void convoy_verification_free(convoy_verification* verification) { delete verification; }
