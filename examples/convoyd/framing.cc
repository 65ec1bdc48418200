// A state machine over bytes. Lines are collected whole, because what they may contain is decided
// by looking at them whole; their size is checked before a byte is kept.
#include "examples/convoyd/framing.h"

#include <algorithm>
#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"

namespace convoyd {
namespace {

using Stage = RequestParser::Stage;

constexpr std::string_view kMalformed = "malformed HTTP request";
constexpr size_t kMethodBytesMax = 32;
constexpr size_t kGrowthBytesMin = 4 * 1024;

bool IsToken(std::string_view text) {
  constexpr std::string_view kSigns = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kSigns.find(c) != kSigns.npos;
  });
}

bool IsVisible(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte != 0x7F;
}

// Characters that may stand in the value of a header and in the extension of a chunk.
bool IsText(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c == ' ' || c == '\t' || IsVisible(c); });
}

std::string_view StripBlanks(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Digits only; a number that does not fit is the largest.
std::optional<uint64_t> ParseLength(std::string_view text) {
  if (text.empty() || !std::all_of(text.begin(), text.end(), IsDigit)) return std::nullopt;
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  uint64_t number = 0;
  for (const char c : text) {
    const uint64_t digit = static_cast<uint64_t>(c - '0');
    if (number > (kMost - digit) / 10) return kMost;
    number = number * 10 + digit;
  }
  return number;
}

int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// A name or an address with an optional port; may be empty.
bool IsAuthority(std::string_view text) {
  constexpr std::string_view kSigns = "-._~!$&'()*+;=%:[]";
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kSigns.find(c) != kSigns.npos || static_cast<unsigned char>(c) >= 0x80;
  });
}

}  // namespace

void RequestParser::Fail(int status, std::string_view text) {
  stage_ = Stage::kFailed;
  error_ = {.status = status, .text = text};
}

size_t RequestParser::Feed(std::string_view data) {
  size_t taken = 0;
  while (taken < data.size() && (stage_ == Stage::kHead || stage_ == Stage::kBody)) {
    const Stage before = stage_;
    const std::string_view rest = data.substr(taken);
    taken += before == Stage::kHead ? FeedHead(rest) : FeedBody(rest);
    if (stage_ != before) break;
  }
  return taken;
}

// ---- The head

size_t RequestParser::FeedHead(std::string_view data) {
  const size_t newline = data.find('\n');
  const size_t size = newline == data.npos ? data.size() : newline + 1;
  // The CRLF of a line that just fits counts, too.
  if (request_end_ == 0 && head_.size() - line_begin_ + size > limits_->request_line_bytes_max) {
    Fail(414, "request line too long");
    return size;
  }
  if (request_end_ > 0 && head_.size() - request_end_ + size > limits_->head_bytes_max) {
    Fail(431, "request head too large");
    return size;
  }
  head_.append(data.substr(0, size));
  if (newline != data.npos) OnHeadLine();
  return size;
}

void RequestParser::OnHeadLine() {
  const std::string_view line = std::string_view(head_).substr(line_begin_);
  const bool is_whole = line.size() >= 2 && line[line.size() - 2] == '\r';
  if (!is_whole) return Fail(400, kMalformed);  // a bare LF
  const bool is_empty = line.size() == 2;
  if (is_empty && line_begin_ == 0) {
    // One empty line before a request is a habit of old clients.
    line_begin_ = head_.size();
    return;
  }
  line_begin_ = head_.size();
  if (request_end_ == 0) {
    if (is_empty) return Fail(400, kMalformed);
    request_end_ = head_.size();
  } else if (is_empty) {
    ParseHead();
  }
}

void RequestParser::ParseHead() {
  std::string_view text = head_;
  if (text.starts_with("\r\n")) text.remove_prefix(2);
  bool is_first = true;
  while (text != "\r\n") {
    const size_t end = text.find("\r\n");
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 2);
    if (!is_first && headers_.size() == limits_->headers_max) {
      return Fail(431, "too many headers");
    }
    const bool is_good = is_first ? ParseRequestLine(line) : ParseHeader(line);
    if (stage_ == Stage::kFailed) return;
    if (!is_good) return Fail(400, kMalformed);
    is_first = false;
  }
  if (!CheckHost() || !ParseBodyFraming()) return;
  ParseConnection();
  stage_ = Stage::kHeadRead;
}

bool RequestParser::ParseRequestLine(std::string_view line) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == line.npos || first == last) return false;
  method_ = line.substr(0, first);
  target_ = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!IsToken(method_) || method_.size() > kMethodBytesMax) return false;
  if (target_.empty() || !std::all_of(target_.begin(), target_.end(), IsVisible)) return false;
  const bool is_version = version.size() == 8 && version.starts_with("HTTP/") &&
                          IsDigit(version[5]) && version[6] == '.' && IsDigit(version[7]);
  if (!is_version) return false;
  if (version[5] != '1') Fail(505, "HTTP/1.1 is spoken here");
  is_1_1_ = version[7] != '0';
  return true;
}

// A name directly before its colon: "Name :" and a folded line are refused with it.
bool RequestParser::ParseHeader(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == line.npos || !IsToken(line.substr(0, colon))) return false;
  const std::string_view value = line.substr(colon + 1);
  if (!IsText(value)) return false;
  headers_.push_back({line.substr(0, colon), StripBlanks(value)});
  return true;
}

bool RequestParser::CheckHost() {
  size_t count = 0;
  bool are_valid = true;
  for (const convoy::HeaderView& header : headers_) {
    if (!absl::EqualsIgnoreCase(header.name, "Host")) continue;
    ++count;
    are_valid = are_valid && IsAuthority(header.value);
  }
  if (count <= 1 && (count == 1 || !is_1_1_) && are_valid) return true;
  Fail(400, "a request must have one valid Host");
  return false;
}

bool RequestParser::ParseBodyFraming() {
  size_t lengths = 0;
  size_t codings = 0;
  bool is_chunked = false;
  std::optional<uint64_t> length;
  for (const convoy::HeaderView& header : headers_) {
    if (absl::EqualsIgnoreCase(header.name, "Content-Length")) {
      ++lengths;
      length = ParseLength(header.value);
    } else if (absl::EqualsIgnoreCase(header.name, "Transfer-Encoding")) {
      ++codings;
      is_chunked = absl::EqualsIgnoreCase(header.value, "chunked");
    }
  }
  if (codings > 0) {
    if (codings > 1 || !is_chunked || !is_1_1_) {
      Fail(400, "Transfer-Encoding must be chunked");
    } else if (lengths > 0) {
      Fail(400, "a request must not have both Transfer-Encoding and Content-Length");
    }
    part_ = BodyPart::kChunkLine;
    return stage_ != Stage::kFailed;
  }
  if (lengths > 1 || (lengths == 1 && !length.has_value())) {
    Fail(400, "Content-Length must be one number");
    return false;
  }
  content_length_ = length.value_or(0);
  return true;
}

void RequestParser::ParseConnection() {
  bool is_close = false;
  bool is_keep = false;
  for (const convoy::HeaderView& header : headers_) {
    if (absl::EqualsIgnoreCase(header.name, "Expect")) {
      expects_continue_ = is_1_1_ && absl::EqualsIgnoreCase(header.value, "100-continue");
    }
    if (!absl::EqualsIgnoreCase(header.name, "Connection")) continue;
    for (const std::string_view part : absl::StrSplit(header.value, ',')) {
      is_close = is_close || absl::EqualsIgnoreCase(StripBlanks(part), "close");
      is_keep = is_keep || absl::EqualsIgnoreCase(StripBlanks(part), "keep-alive");
    }
  }
  is_kept_alive_ = !is_close && (is_1_1_ || is_keep);
}

// ---- The body

void RequestParser::AcceptBody(uint64_t bytes_max) {
  if (stage_ != Stage::kHeadRead) return;
  body_bytes_max_ = bytes_max;
  stage_ = Stage::kBody;
  if (!content_length_.has_value()) return;
  bytes_left_ = *content_length_;
  if (bytes_left_ > bytes_max) return Fail(413, "request body too large");
  if (bytes_left_ == 0) stage_ = Stage::kDone;
}

size_t RequestParser::FeedBody(std::string_view data) {
  constexpr FramingError kBadChunk{400, "malformed chunk"};
  size_t taken = 0;
  switch (part_) {
    case BodyPart::kSized:
    case BodyPart::kChunkData:
      return FeedData(data);
    case BodyPart::kChunkLine: {
      constexpr uint32_t kSizeBytesMax = 16 + 2;  // digits and CRLF
      const uint32_t bytes_max =
          kSizeBytesMax + limits_->chunk_extension_bytes_max - extension_bytes_;
      if (FeedLine(data, bytes_max, {400, "chunk extensions too long"}, &taken)) TakeChunkLine();
      return taken;
    }
    case BodyPart::kChunkEnd:
      if (FeedLine(data, 2, kBadChunk, &taken)) part_ = BodyPart::kChunkLine;
      return taken;
    case BodyPart::kTrailer: {
      const uint32_t bytes_max = limits_->trailer_bytes_max - trailer_bytes_;
      if (FeedLine(data, bytes_max, {431, "trailers too large"}, &taken)) TakeTrailer();
      return taken;
    }
  }
  return data.size();
}

size_t RequestParser::FeedData(std::string_view data) {
  const std::string_view part = data.substr(0, std::min<uint64_t>(data.size(), bytes_left_));
  if (!Append(part)) return part.size();
  bytes_left_ -= part.size();
  if (bytes_left_ == 0) {
    if (part_ == BodyPart::kSized) {
      stage_ = Stage::kDone;
    } else {
      part_ = BodyPart::kChunkEnd;
      line_.clear();
    }
  }
  return part.size();
}

bool RequestParser::Append(std::string_view data) {
  const uint64_t size = body_.size() + data.size();
  if (size > body_.capacity()) {
    // Doubled, but never beyond what can come.
    const uint64_t most = content_length_.value_or(body_bytes_max_);
    const uint64_t wanted =
        std::min(most, std::max<uint64_t>({size, kGrowthBytesMin, 2 * body_.capacity()}));
    if (!memory_->Grow(body_.capacity(), wanted)) {
      Fail(503, "no memory for the body");
      return false;
    }
    body_.reserve(wanted);
  }
  body_.insert(body_.end(), data.begin(), data.end());
  return true;
}

bool RequestParser::FeedLine(std::string_view data, uint32_t bytes_max, FramingError too_long,
                             size_t* taken) {
  const size_t newline = data.find('\n');
  const size_t size = newline == data.npos ? data.size() : newline + 1;
  *taken = size;
  if (line_.size() + size > bytes_max) {
    Fail(too_long.status, too_long.text);
    return false;
  }
  line_.append(data.substr(0, size));
  if (newline == data.npos) return false;
  if (line_.size() < 2 || line_[line_.size() - 2] != '\r') {
    Fail(400, "malformed chunk");
    return false;
  }
  line_.resize(line_.size() - 2);
  return true;
}

void RequestParser::TakeChunkLine() {
  constexpr size_t kDigitsMax = 16;
  uint64_t size = 0;
  size_t digits = 0;
  for (; digits < line_.size() && HexDigit(line_[digits]) >= 0; ++digits) {
    if (digits == kDigitsMax) return Fail(400, "malformed chunk");
    size = size * 16 + static_cast<uint64_t>(HexDigit(line_[digits]));
  }
  const std::string_view extension = std::string_view(line_).substr(digits);
  const bool is_extension = extension.empty() || StripBlanks(extension).starts_with(';');
  if (digits == 0 || !is_extension || !IsText(extension)) return Fail(400, "malformed chunk");
  extension_bytes_ += static_cast<uint32_t>(extension.size());
  if (extension_bytes_ > limits_->chunk_extension_bytes_max) {
    return Fail(400, "chunk extensions too long");
  }
  line_.clear();
  if (size > body_bytes_max_ - body_.size()) return Fail(413, "request body too large");
  bytes_left_ = size;
  part_ = size == 0 ? BodyPart::kTrailer : BodyPart::kChunkData;
}

// Trailers are checked and forgotten: they never become headers.
void RequestParser::TakeTrailer() {
  trailer_bytes_ += static_cast<uint32_t>(line_.size()) + 2;
  const std::string_view line = line_;
  if (line.empty()) {
    stage_ = Stage::kDone;
  } else {
    const size_t colon = line.find(':');
    const bool is_header =
        colon != line.npos && IsToken(line.substr(0, colon)) && IsText(line.substr(colon + 1));
    if (!is_header) return Fail(400, "malformed trailer");
  }
  line_.clear();
}

}  // namespace convoyd
