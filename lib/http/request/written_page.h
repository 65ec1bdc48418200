// Pages of lists whose items carry bodies. Each item is written as soon as it is read, so a few are
// in memory at a time, and a page ends early where the answer would grow beyond all bounds: its
// cursors say where it goes on, as those of any other page.
#pragma once

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "convoy/storage.h"
#include "lib/base/read_limit.h"
#include "lib/base/status_macros.h"
#include "lib/http/request/pagination.h"

namespace convoy::http {

constexpr size_t kBodiesInMemoryMax = 16;
constexpr size_t kWrittenPageBytesMax = 16 * 1024 * 1024;  // and what is in memory then

// `list(PageRequest)` gives an absl::StatusOr<Page<T>>, `write(T)` the item's JSON in an
// absl::StatusOr<std::string>; one that is kNotFound has gone in the meantime and is left out.
template <typename List, typename Write>
absl::StatusOr<Page<std::string>> WritePage(PageRequest request, List list, Write write) {
  Page<std::string> page;
  size_t bytes = 0;
  size_t items_left = request.items_max;
  request.is_backward = request.is_backward && !request.cursor.empty();
  for (bool is_first = true;; is_first = false) {
    request.items_max = static_cast<uint32_t>(std::min(items_left, kBodiesInMemoryMax));
    CONVOY_ASSIGN_OR_RETURN(const auto part, list(request));
    // Fewer, with more behind them: the store has looked at as many rows as a page may cost.
    const bool is_spent = part.items.size() < request.items_max;
    items_left -= part.items.size();
    std::vector<std::string> written;
    for (const auto& item : part.items) {
      if (base::ReadLimit::IsOver()) return absl::DeadlineExceededError("the page takes too long");
      absl::StatusOr<std::string> text = write(item);
      if (absl::IsNotFound(text.status())) continue;
      if (!text.ok()) return std::move(text).status();
      bytes += text->size();
      written.push_back(*std::move(text));
    }
    page.items.insert(request.is_backward ? page.items.begin() : page.items.end(),
                      std::make_move_iterator(written.begin()),
                      std::make_move_iterator(written.end()));
    if (is_first || request.is_backward) {
      page.has_prev = part.has_prev;
      page.prev_cursor = part.prev_cursor;
    }
    if (is_first || !request.is_backward) {
      page.has_next = part.has_next;
      page.next_cursor = part.next_cursor;
    }
    const bool has_more = request.is_backward ? part.has_prev : part.has_next;
    if (!has_more || is_spent || items_left == 0 || bytes >= kWrittenPageBytesMax) return page;
    request.cursor = request.is_backward ? part.prev_cursor : part.next_cursor;
  }
}

inline std::string WrittenPageToJson(const Page<std::string>& page, const PageRequest& request) {
  return PageToJson(page, request,
                    [](json::Writer& writer, const std::string& item) { writer.Raw(item); });
}

}  // namespace convoy::http
