// The head of a response as its lines arrive: interim answers are passed over, the final one is
// kept. Lines after the final head are trailers and are dropped.
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>

#include "convoy/http.h"

namespace convoy::transport {

class ResponseHead {
 public:
  // Takes the next line, with or without its line end. False if the head has become too large.
  bool Add(std::string_view line);

  // A status line of any answer, interim ones included, has arrived.
  bool has_begun() const { return status_ != 0; }
  // The final answer's empty line has arrived.
  bool is_complete() const { return is_complete_; }
  bool is_too_large() const { return is_too_large_; }
  // Of the newest status line; 0 if there is none.
  int status() const { return status_; }
  bool is_interim() const { return status_ >= 100 && status_ < 200 && status_ != 101; }

  const Headers& headers() const { return headers_; }
  Headers TakeHeaders() { return std::move(headers_); }

 private:
  int status_ = 0;
  Headers headers_;
  size_t bytes_count_ = 0;  // of all lines, those of interim answers and trailers included
  bool expects_status_line_ = true;
  bool is_complete_ = false;
  bool is_too_large_ = false;
};

}  // namespace convoy::transport
