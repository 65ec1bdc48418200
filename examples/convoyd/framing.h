// The framing of HTTP/1.1 requests: bytes in, one request at a time out. No sockets.
//
// Strict where servers and proxies could disagree about where a request ends (RFC 9112): lines end
// with CRLF, header lines are not folded, there is one Host, the body has one Content-Length or is
// `chunked` and nothing else. FramingLimits, and the memory that BodyMemory grants, bound the
// bytes of a peer that a parser keeps; all other bytes are dropped at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "convoy/http.h"

namespace convoyd {

struct FramingLimits {
  uint32_t request_line_bytes_max = 8 * 1024;  // beyond: 414
  uint32_t head_bytes_max = 32 * 1024;         // all header lines; beyond: 431
  uint32_t headers_max = 100;                  // beyond: 431
  uint32_t chunk_extension_bytes_max = 4096;   // of all chunks of a body; beyond: 400
  uint32_t trailer_bytes_max = 4096;           // beyond: 431
};

// Grants the memory that a body is kept in.
class BodyMemory {
 public:
  virtual ~BodyMemory() = default;
  // Whether a body that was granted `held` bytes may have `wanted` of them.
  virtual bool Grow(uint64_t held, uint64_t wanted) = 0;
};

// Why a request cannot be read. The connection must be closed after the answer: where the next
// request would begin is not known.
struct FramingError {
  int status = 0;
  std::string_view text;
};

class RequestParser {
 public:
  enum class Stage : uint8_t {
    kHead,      // reading the request line and headers
    kHeadRead,  // the head is complete: AcceptBody decides on the body
    kBody,
    kDone,
    kFailed,
  };

  // `limits` and `memory` must outlive the parser.
  RequestParser(const FramingLimits* limits, BodyMemory* memory)
      : limits_(limits), memory_(memory) {}
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Takes bytes up to the end of the present stage and returns how many. Takes nothing in the
  // stages kHeadRead, kDone and kFailed.
  size_t Feed(std::string_view data);

  // In kHeadRead: reads on, to a body of at most `bytes_max`; a longer one fails with 413.
  void AcceptBody(uint64_t bytes_max);

  Stage stage() const { return stage_; }
  const FramingError& error() const { return error_; }
  // Whether any byte of the request has arrived.
  bool has_begun() const { return !head_.empty(); }

  // From kHeadRead on. Views into the parser.
  std::string_view method() const { return method_; }
  std::string_view target() const { return target_; }
  const std::vector<convoy::HeaderView>& headers() const { return headers_; }
  bool is_kept_alive() const { return is_kept_alive_; }
  bool expects_continue() const { return expects_continue_; }
  // nullopt for a chunked body. A number too large to be held is the largest.
  std::optional<uint64_t> content_length() const { return content_length_; }
  std::string_view body() const { return {body_.data(), body_.size()}; }

 private:
  enum class BodyPart : uint8_t { kSized, kChunkLine, kChunkData, kChunkEnd, kTrailer };

  size_t FeedHead(std::string_view data);
  size_t FeedBody(std::string_view data);
  size_t FeedData(std::string_view data);
  // Collects a line of chunked framing in line_; true once it is whole, without its CRLF.
  bool FeedLine(std::string_view data, uint32_t bytes_max, FramingError too_long, size_t* taken);
  void TakeChunkLine();
  void TakeTrailer();

  void OnHeadLine();
  void ParseHead();
  bool ParseRequestLine(std::string_view line);
  bool ParseHeader(std::string_view line);
  bool CheckHost();
  bool ParseBodyFraming();
  void ParseConnection();
  bool Append(std::string_view data);
  void Fail(int status, std::string_view text);

  const FramingLimits* const limits_;
  BodyMemory* const memory_;

  Stage stage_ = Stage::kHead;
  FramingError error_;

  std::string head_;        // the lines so far, with their CRLF
  size_t line_begin_ = 0;   // of the last, unfinished one
  size_t request_end_ = 0;  // of the request line; 0: not yet
  std::string_view method_;
  std::string_view target_;
  std::vector<convoy::HeaderView> headers_;
  bool is_1_1_ = false;
  bool is_kept_alive_ = false;
  bool expects_continue_ = false;
  std::optional<uint64_t> content_length_;

  BodyPart part_ = BodyPart::kSized;
  std::vector<char> body_;  // reserves what it is asked for, which a string does not
  uint64_t body_bytes_max_ = 0;
  uint64_t bytes_left_ = 0;  // of the sized body, or of the present chunk
  std::string line_;
  uint32_t extension_bytes_ = 0;
  uint32_t trailer_bytes_ = 0;
};

}  // namespace convoyd
