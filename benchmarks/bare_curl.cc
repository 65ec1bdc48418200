// A loop over libcurl's multi interface; see bare_curl.h.
#include "benchmarks/bare_curl.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "benchmarks/common.h"
#include "convoy/version.h"

namespace benchmarks {
namespace {

// As the gateway sends them, so that both loops write requests of the same size; an empty value
// keeps libcurl from adding a header by itself.
std::vector<std::string> RequestLines() {
  return {"Accept:", "Convoy-Hops: 1", absl::StrCat("User-Agent: Convoy/", convoy::kVersion),
          "Content-Type: application/json",
          absl::StrCat("X-Convoy-Signature: t=1777629600,v1=", std::string(64, 'a'))};
}

CURLM* NewMulti() {
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) Die("libcurl does not start");
  return curl_multi_init();
}

}  // namespace

BareCurl::BareCurl(std::string url)
    : url_(std::move(url)), body_(BodyOf1KiB()), multi_(NewMulti()) {
  for (const std::string& line : RequestLines()) {
    headers_ = curl_slist_append(headers_, line.c_str());
  }
}

BareCurl::~BareCurl() {
  curl_multi_cleanup(multi_);
  curl_slist_free_all(headers_);
  curl_global_cleanup();
}

CURL* BareCurl::NewHandle() const {
  CURL* const handle = curl_easy_init();
  curl_easy_setopt(handle, CURLOPT_URL, url_.c_str());
  curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body_.data());
  curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body_.size()));
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers_);
  return handle;
}

void BareCurl::PostAll(int count, const std::function<int()>& ready_count,
                       const std::function<void(int finished_count)>& on_finished) {
  std::vector<CURL*> idle;
  for (int i = 0; i < kInFlight; ++i) idle.push_back(NewHandle());
  int started = 0, finished = 0, running = 0;
  while (finished < count) {
    for (const int ready = ready_count(); started < ready && !idle.empty(); ++started) {
      curl_multi_add_handle(multi_, idle.back());
      idle.pop_back();
    }
    curl_multi_perform(multi_, &running);
    int left = 0;
    while (const CURLMsg* const message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      if (message->data.result != CURLE_OK) Die("bare libcurl failed");
      CURL* const handle = message->easy_handle;
      curl_multi_remove_handle(multi_, handle);
      idle.push_back(handle);
      on_finished(++finished);
    }
    const bool may_start = started < ready_count() && !idle.empty();
    if (finished < count && !may_start) curl_multi_poll(multi_, nullptr, 0, 1000, nullptr);
  }
  for (CURL* const handle : idle) curl_easy_cleanup(handle);
}

}  // namespace benchmarks
