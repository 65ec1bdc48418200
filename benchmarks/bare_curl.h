// Bare libcurl: one thread that posts events of 1 KiB with the headers that a gateway sends.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <curl/curl.h>

namespace benchmarks {

class BareCurl {
 public:
  static constexpr int kInFlight = 128;

  explicit BareCurl(std::string url);
  ~BareCurl();
  BareCurl(const BareCurl&) = delete;
  BareCurl& operator=(const BareCurl&) = delete;

  // Posts `count` events, kInFlight of them under way, and no more than `ready_count` tells; calls
  // `on_finished` with the number of answers so far. Ends the program if one is lost.
  void PostAll(int count, const std::function<int()>& ready_count,
               const std::function<void(int finished_count)>& on_finished);
  // More may be ready; from any thread.
  void Wake() { curl_multi_wakeup(multi_); }

 private:
  CURL* NewHandle() const;

  const std::string url_;
  const std::string body_;
  curl_slist* headers_ = nullptr;
  CURLM* const multi_;
};

}  // namespace benchmarks
