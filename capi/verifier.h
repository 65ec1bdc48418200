// Verifier handle, and requests and verdicts on their way through the interface.
#pragma once

#include <memory>

#include "absl/container/inlined_vector.h"

#include "capi/shim.h"
#include "convoy/verifier.h"

struct convoy_verifier {
  std::shared_ptr<const convoy::Verifier> verifier;
};

namespace convoy::capi {

// View for a verifier, borrowed from a request that has passed CheckRequest. Its headers are
// on the stack unless there are very many.
class BorrowedVerifyRequest {
 public:
  explicit BorrowedVerifyRequest(const convoy_request& given) {
    const convoy_request request = CopyStruct(given);
    headers_.reserve(request.headers_count);
    for (size_t i = 0; i < request.headers_count; ++i) {
      headers_.push_back({View(request.headers[i].name), View(request.headers[i].value)});
    }
    request_ = {.method = View(request.method),
                .url = View(request.url),
                .path = View(request.path),
                .query = View(request.query),
                .headers = headers_,
                .body = View(request.body)};
  }
  BorrowedVerifyRequest(const BorrowedVerifyRequest&) = delete;
  BorrowedVerifyRequest& operator=(const BorrowedVerifyRequest&) = delete;

  const convoy::VerifyRequest& operator*() const { return request_; }

 private:
  absl::InlinedVector<convoy::HeaderView, 64> headers_;
  convoy::VerifyRequest request_;
};

inline convoy_verdict_view ViewOf(const convoy::Verdict& verdict) {
  // The names are literals, so they end with a NUL.
  return {.is_accepted = verdict.accepted() ? 1 : 0,
          .secret_index = verdict.secret_index,
          .reason = convoy::VerifyReasonName(verdict.reason).data(),
          .integrity = convoy::IntegrityName(verdict.integrity).data(),
          .scheme = Slice(verdict.scheme),
          .signed_at_us =
              verdict.signed_at.has_value() ? absl::ToUnixMicros(*verdict.signed_at) : INT64_MIN};
}

// CONVOY_OK if `out` is a verdict's view of some version; it is zeroed then, but for its size.
inline convoy_status ZeroView(convoy_verdict_view* out, convoy_error** error) {
  const convoy_status sized = CheckStruct(out, "out", sizeof *out, error);
  if (sized != CONVOY_OK) return sized;
  const size_t size = out->struct_size;
  std::memset(reinterpret_cast<char*>(out) + sizeof size, 0, size - sizeof size);
  return CONVOY_OK;
}

// Writes as much of the verdict as a view that has passed ZeroView has room for.
inline void FillView(const convoy::Verdict& verdict, const convoy::Verifier& verifier,
                     convoy_verdict_view* out) {
  convoy_verdict_view view = ViewOf(verdict);
  view.struct_size = out->struct_size;
  view.refusal_status = verifier.refusal_status();
  std::memcpy(out, &view, std::min(out->struct_size, sizeof view));
}

}  // namespace convoy::capi
