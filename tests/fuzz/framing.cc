// Requests as convoyd's connections read them: where each begins and ends.
//
// Input: a byte for the limit of bodies, a byte for the memory there is, a byte for the size of the
// pieces; then what a connection sends. It is read twice, whole and in pieces.
#include "examples/convoyd/framing.h"

#include <optional>
#include <string>
#include <vector>

#include "lib/base/text.h"
#include "tests/fuzz/finding.h"
#include "tests/fuzz/input.h"

namespace convoy::fuzz {
namespace {

using convoyd::FramingLimits;
using convoyd::RequestParser;
using Stage = RequestParser::Stage;

constexpr FramingLimits kLimits{.request_line_bytes_max = 128,
                                .head_bytes_max = 512,
                                .headers_max = 8,
                                .chunk_extension_bytes_max = 32,
                                .trailer_bytes_max = 64};

class Memory final : public convoyd::BodyMemory {
 public:
  explicit Memory(uint64_t most) : most_(most) {}
  bool Grow(uint64_t held, uint64_t wanted) override {
    Require(held == granted_ && wanted > held, "memory grows from what was granted");
    if (wanted > most_) return false;
    granted_ = wanted;
    return true;
  }
  uint64_t granted() const { return granted_; }

 private:
  const uint64_t most_;
  uint64_t granted_ = 0;
};

// One request of a connection, or why there is none.
struct Outcome {
  Stage stage = Stage::kHead;
  int status = 0;
  size_t taken = 0;
  std::string text;  // of all that was read of it

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

void CheckRequest(const RequestParser& parser, uint64_t body_bytes_max) {
  Require(parser.body().size() <= body_bytes_max, "a body is not larger than it may be");
  Require(!parser.content_length().has_value() || *parser.content_length() == parser.body().size(),
          "a body is as long as its head says");
  Require(parser.headers().size() <= kLimits.headers_max, "headers are bounded in number");
  size_t lengths = 0;
  size_t codings = 0;
  for (const HeaderView& header : parser.headers()) {
    Require(base::IsHeaderName(header.name), "a header has a name");
    Require(header.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos,
            "a header is one line");
    lengths += base::EqualsIgnoreCase(header.name, "Content-Length") ? 1 : 0;
    codings += base::EqualsIgnoreCase(header.name, "Transfer-Encoding") ? 1 : 0;
  }
  Require(lengths + codings <= 1, "a body has one framing");
  Require((codings == 1) != parser.content_length().has_value(), "a chunked body has no length");
}

Outcome ReadOne(std::string_view bytes, size_t piece, uint64_t body_bytes_max,
                uint64_t memory_max) {
  Memory memory(memory_max);
  RequestParser parser(&kLimits, &memory);
  Outcome outcome;
  while (outcome.taken < bytes.size()) {
    const std::string_view part = bytes.substr(outcome.taken, piece);
    const size_t taken = parser.Feed(part);
    Require(taken > 0 && taken <= part.size(), "what is fed is taken");
    outcome.taken += taken;
    if (parser.stage() == Stage::kHeadRead) parser.AcceptBody(body_bytes_max);
    if (parser.stage() == Stage::kFailed || parser.stage() == Stage::kDone) break;
  }
  Require(memory.granted() <= body_bytes_max, "no more memory than a body may have");
  outcome.stage = parser.stage();
  if (outcome.stage == Stage::kFailed) {
    outcome.status = parser.error().status;
    outcome.taken = 0;  // how far it was read before it was refused may differ
    Require(outcome.status >= 400 && outcome.status <= 505, "a refusal has a status");
  } else if (outcome.stage == Stage::kDone) {
    CheckRequest(parser, body_bytes_max);
    outcome.text = std::string(parser.method()) + " " + std::string(parser.target());
    for (const HeaderView& header : parser.headers()) {
      outcome.text += "\n" + std::string(header.name) + ":" + std::string(header.value);
    }
    outcome.text += "\n\n" + std::string(parser.body());
  }
  return outcome;
}

void Run(Input& input) {
  const uint64_t body_bytes_max = uint64_t{input.Byte()} * 16;
  const uint64_t memory_max = uint64_t{input.Byte()} * 16;
  const size_t piece = 1 + input.Byte() % 32;
  std::string_view bytes = input.Rest();
  while (!bytes.empty()) {
    const Outcome whole = ReadOne(bytes, bytes.size(), body_bytes_max, memory_max);
    // Memory is asked for as it is needed: in pieces it may be refused earlier or later.
    if (whole.status != 503) {
      const Outcome pieces = ReadOne(bytes, piece, body_bytes_max, ~uint64_t{0});
      Require(whole == pieces, "pieces make no difference");
    }
    if (whole.stage != Stage::kDone) return;
    bytes.remove_prefix(whole.taken);
  }
}

}  // namespace
}  // namespace convoy::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  convoy::fuzz::Input input(data, size);
  convoy::fuzz::Run(input);
  return 0;
}
