// The C interface, called with whatever a host may pass: verifiers, requests whole and in pieces,
// events of the host's own, settings, structs of another size, slices without memory.
//
// Input: a row of calls, each a byte that chooses it and its arguments, texts ended by NUL.
// Promises that are checked: a call that fails says why and leaves its outputs alone, one that
// succeeds sets them, and nothing is accepted that was not signed.
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "tests/fuzz/finding.h"
#include "tests/fuzz/input.h"
#include <convoy.h>

namespace convoy::fuzz {
namespace {

constexpr size_t kCallsMax = 16;

convoy_slice Slice(std::string_view text) { return {text.data(), text.size()}; }

// Looks at the error of a call and frees it.
// By reference: the call that sets it may be evaluated after this argument.
void CheckError(convoy_status status, convoy_error* const& error) {
  Require((status == CONVOY_OK || status == CONVOY_DECLINED) == (error == nullptr),
          "there is an error if, and only if, the call failed");
  if (error == nullptr) return;
  Require(convoy_error_code(error) == status, "an error has the code that the call returned");
  Require(std::strlen(convoy_error_message(error)) > 0, "an error has a message");
  convoy_error_is_retriable(error);
  convoy_error_free(error);
}

void CheckReply(convoy_reply* reply) {
  const int32_t status = convoy_reply_status(reply);
  Require(status >= 200 && status < 600 && status != 500, "a reply has a status");
  convoy_slice body = {};
  convoy_reply_body(reply, &body);
  Require(body.size == 0 || body.data != nullptr, "a reply's body is there");
  convoy_header header;
  const size_t count = convoy_reply_headers_count(reply);
  for (size_t i = 0; i < count; ++i) Require(convoy_reply_header(reply, i, &header) != 0, "header");
  Require(convoy_reply_header(reply, count, &header) == 0, "no header beyond the last");
  convoy_reply_free(reply);
}

// A request, in a struct that may be of another version.
class ForeignRequest {
 public:
  explicit ForeignRequest(Input& input) {
    const uint8_t shape = input.Byte();
    std::memset(&request_, 0, sizeof request_);
    request_.known.struct_size = sizeof(convoy_request);
    request_.known.method = Slice(input.TextUntil('\0'));
    request_.known.path = Slice(input.TextUntil('\0'));
    request_.known.query = Slice(input.TextUntil('\0'));
    for (int count = input.Byte() % 8; count > 0; --count) {
      const convoy_slice name = Slice(input.TextUntil('\0'));
      headers_.push_back({name, Slice(input.TextUntil('\0'))});
    }
    request_.known.headers = headers_.data();
    request_.known.headers_count = headers_.size();
    request_.known.body = Slice(input.TextUntil('\0'));
    if (shape & 1) request_.known.struct_size = input.Byte();
    if (shape & 2) request_.known.struct_size = sizeof request_;
    if (shape & 4) request_.unknown[input.Byte() % sizeof request_.unknown] = 1;
    if (shape & 8) request_.known.body = {nullptr, input.Byte()};
    if (shape & 16) request_.known.path = {nullptr, 0};
    if (shape & 32) request_.known.headers = nullptr;
  }

  const convoy_request* get() const { return &request_.known; }

 private:
  // As large as any size that a byte can tell: the library reads all that it is told of.
  struct {
    convoy_request known;
    char unknown[256];
  } request_;
  std::vector<convoy_header> headers_;
};

void Verify(Input& input) {
  const std::string_view text = input.TextUntil('\0');
  static const std::string secret = "a secret that no input knows: \x7f\x03\x11";
  std::vector<convoy_slice> secrets(input.Byte() % 3, Slice(secret));
  if (!secrets.empty() && input.Byte() == 255) secrets[0] = {nullptr, 3};
  const int64_t now_us = static_cast<int64_t>(input.Number()) * 1'000'000 * (input.Byte() % 3 - 1);
  convoy_verifier* verifier = nullptr;
  convoy_error* error = nullptr;
  CheckError(convoy_verifier_new(text.data(), text.size(), secrets.data(), secrets.size(),
                                 &verifier, &error),
             error);
  Require((error == nullptr) == (verifier != nullptr), "a verifier is made or the call fails");
  const ForeignRequest request(input);
  if (verifier == nullptr) return;
  convoy_verdict* verdict = nullptr;
  error = nullptr;
  CheckError(convoy_verifier_verify(verifier, request.get(), now_us, &verdict, &error), error);
  if (verdict != nullptr) {
    const bool is_accepted = convoy_verdict_is_accepted(verdict) != 0;
    Require(is_accepted == (std::strcmp(convoy_verdict_reason(verdict), "accepted") == 0),
            "an accepted verdict says so");
    Require(!is_accepted || std::strcmp(convoy_verdict_integrity(verdict), "none") == 0,
            "nothing is accepted as signed that was not");
    Require(!is_accepted || convoy_verdict_secret_index(verdict) == -1, "no secret was matched");
    convoy_slice id = {};
    convoy_verdict_event_id(verdict, &id);
    convoy_verdict_free(verdict);
  }
  convoy_verifier_free(verifier);
}

class Host {
 public:
  Host() {
    Require(convoy_config_new(&config_, nullptr) == CONVOY_OK, "a configuration can be made");
    Require(convoy_gateway_open(config_, &gateway_, nullptr) == CONVOY_OK, "a gateway opens");
    Require(convoy_gateway_bootstrap(gateway_, &key_, nullptr) == CONVOY_OK, "there is a key");
  }
  ~Host() {
    convoy_buf_free(&key_);
    convoy_gateway_free(gateway_);
    convoy_config_free(config_);
  }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  void Call(Input& input) {
    switch (input.Byte() % 6) {
      case 0:
        return Verify(input);
      case 1:
        return Handle(input);
      case 2:
        return HandleInPieces(input);
      case 3:
        return Ingest(input);
      case 4:
        return Set(input);
      default:
        Step();
    }
  }

 private:
  void Handle(Input& input) {
    const ForeignRequest request(input);
    convoy_reply* reply = nullptr;
    convoy_error* error = nullptr;
    const convoy_status status = convoy_http_handle(gateway_, request.get(), &reply, &error);
    CheckError(status, error);
    Require((status == CONVOY_OK) == (reply != nullptr), "there is a reply or a reason");
    if (reply != nullptr) CheckReply(reply);
  }

  void HandleInPieces(Input& input) {
    const ForeignRequest head(input);
    convoy_http* http = nullptr;
    convoy_reply* reply = nullptr;
    convoy_error* error = nullptr;
    CheckError(convoy_http_begin(gateway_, head.get(), &http, &reply, &error), error);
    for (int pieces = input.Byte() % 4; http != nullptr && reply == nullptr && pieces > 0;
         --pieces) {
      const std::string_view piece = input.TextUntil('\0');
      error = nullptr;
      CheckError(convoy_http_feed(http, piece.data(), piece.size(), &reply, &error), error);
    }
    if (http != nullptr && reply == nullptr && input.Byte() % 4 != 0) {
      error = nullptr;
      CheckError(convoy_http_finish(http, &reply, &error), error);
      convoy_reply* second = nullptr;
      Require(convoy_http_finish(http, &second, nullptr) != CONVOY_OK, "a request ends once");
    }
    if (reply != nullptr) CheckReply(reply);
    convoy_http_free(http);
  }

  void Ingest(Input& input) {
    alignas(convoy_event) char room[256] = {};  // as that of ForeignRequest
    convoy_event& event = *new (room) convoy_event{};
    event.struct_size = input.Byte() < 250 ? sizeof event : input.Byte();
    event.audience = input.Byte() % 5;
    event.reserved = input.Byte() == 255;
    event.project_id = Slice(input.TextUntil('\0'));
    event.recipient = Slice(input.TextUntil('\0'));
    event.event_type = Slice(input.TextUntil('\0'));
    event.idempotency_key = Slice(input.TextUntil('\0'));
    const convoy_slice name = Slice(input.TextUntil('\0'));
    const convoy_header header = {name, Slice(input.TextUntil('\0'))};
    event.custom_headers = &header;
    event.custom_headers_count = 1;
    event.data = Slice(input.TextUntil('\0'));
    convoy_buf id = {nullptr, 0};
    int32_t is_duplicate = 0;
    convoy_error* error = nullptr;
    CheckError(convoy_ingest(gateway_, &event, &id, &is_duplicate, &error), error);
    convoy_buf_free(&id);
  }

  void Set(Input& input) {
    const std::string_view key = input.TextUntil('\0');
    const std::string_view value = input.TextUntil('\0');
    convoy_config* config = nullptr;
    convoy_error* error = nullptr;
    Require(convoy_config_new(&config, nullptr) == CONVOY_OK, "a configuration can be made");
    CheckError(
        convoy_config_set(config, key.data(), key.size(), value.data(), value.size(), &error),
        error);
    convoy_config_free(config);
  }

  void Step() {
    int64_t next_us = 0;
    convoy_error* error = nullptr;
    CheckError(convoy_gateway_step(gateway_, &next_us, &error), error);
  }

  convoy_config* config_ = nullptr;
  convoy_gateway* gateway_ = nullptr;
  convoy_buf key_ = {nullptr, 0};
};

}  // namespace
}  // namespace convoy::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace convoy::fuzz;
  Input input(data, size);
  Host host;
  for (size_t i = 0; i < kCallsMax && !input.empty(); ++i) host.Call(input);
  return 0;
}
