// Comparison of payloads, and the walk over events until a page is full or has cost enough.
#include "lib/http/resource/payload_search.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"

#include "lib/base/read_limit.h"
#include "lib/base/status_macros.h"
#include "lib/body/body_view.h"
#include "lib/http/request/context.h"
#include "lib/http/shape/fields.h"

namespace convoy::http {
namespace {

using json::Value;

constexpr size_t kSearchBytesMax = 1024;
// Fields and elements of what is searched for. Each may be compared with all of a payload.
constexpr size_t kSearchValuesMax = 64;

// Bounds of one request.
constexpr uint32_t kEventsAtOnce = 16;
constexpr uint32_t kSearchedEventsMax = 1000;
constexpr uint64_t kSearchedBytesMax = 16 * 1024 * 1024;
constexpr uint64_t kStepsMax = 20'000'000;

size_t ValuesOf(const Value& value) {
  size_t count = 1;
  if (value.IsObject()) {
    for (auto member = value.MemberBegin(); member != value.MemberEnd(); ++member) {
      count += ValuesOf(member->value);
    }
  } else if (value.IsArray()) {
    for (const Value& element : value.GetArray()) count += ValuesOf(element);
  }
  return count;
}

bool Contains(const Value& value, const Value& wanted, uint64_t* steps);

// Of a field that is there twice the last one counts, as in Convoy.
bool ContainsField(const Value& object, const Value& name, const Value& wanted, uint64_t* steps) {
  const Value* found = nullptr;
  for (auto member = object.MemberBegin(); member != object.MemberEnd(); ++member) {
    ++*steps;
    if (member->name == name) found = &member->value;
  }
  return found != nullptr && Contains(*found, wanted, steps);
}

bool Contains(const Value& value, const Value& wanted, uint64_t* steps) {
  ++*steps;
  if (wanted.IsObject()) {
    if (!value.IsObject()) return false;
    return std::all_of(wanted.MemberBegin(), wanted.MemberEnd(), [&](const auto& member) {
      return ContainsField(value, member.name, member.value, steps);
    });
  }
  if (wanted.IsArray()) {
    if (!value.IsArray()) return false;
    return std::all_of(wanted.Begin(), wanted.End(), [&](const Value& element) {
      return std::any_of(value.Begin(), value.End(),
                         [&](const Value& own) { return Contains(own, element, steps); });
    });
  }
  return value == wanted;
}

// One walk in the direction of the request. A page holds its items in the order of the list.
class Search {
 public:
  Search(const PayloadSearch& search, uint32_t items_max, bool is_backward)
      : search_(search), items_left_(items_max), is_backward_(is_backward) {}

  bool is_over() const {
    return items_left_ == 0 || events_count_ >= kSearchedEventsMax || bytes_ >= kSearchedBytesMax ||
           steps_ >= kStepsMax;
  }

  // Takes what is found of `events` into `found`, in their order. The answer is how many of them,
  // from the end that the walk comes from, were looked at: fewer than all, if the page is full or
  // has cost enough before.
  absl::StatusOr<uint32_t> Look(const std::vector<Event>& events,
                                std::vector<const Event*>* found) {
    uint32_t count = 0;
    while (count < events.size() && !is_over()) {
      if (base::ReadLimit::IsOver()) {
        return absl::DeadlineExceededError("the search takes too long");
      }
      const Event& event = is_backward_ ? events[events.size() - 1 - count] : events[count];
      ++count;
      ++events_count_;
      bytes_ += event.body.size();
      if (!search_.Matches(event, &steps_)) continue;
      found->push_back(&event);
      --items_left_;
    }
    if (is_backward_) std::reverse(found->begin(), found->end());
    return count;
  }

 private:
  const PayloadSearch& search_;
  uint32_t items_left_;
  const bool is_backward_;
  uint32_t events_count_ = 0;
  uint64_t bytes_ = 0;
  uint64_t steps_ = 0;
};

void TakeEdges(const Page<Event>& part, bool is_first, bool is_backward, Page<std::string>* page) {
  if (is_first || is_backward) {
    page->has_prev = part.has_prev;
    page->prev_cursor = part.prev_cursor;
  }
  if (is_first || !is_backward) {
    page->has_next = part.has_next;
    page->next_cursor = part.next_cursor;
  }
}

}  // namespace

absl::Status PayloadSearch::Add(std::string_view field, std::string_view text) {
  CONVOY_RETURN_IF_ERROR(CheckText(field, text, kSearchBytesMax));
  absl::StatusOr<json::Document> object = json::Parse(text, json::kPayloadLimits);
  if (!object.ok() || !object->IsObject()) {
    return FieldError(field, "must be a JSON object that the payload contains");
  }
  if (const auto key = FindRepeatedKey(*object)) {
    return FieldError(field, absl::StrCat("has the field \"", *key, "\" twice"));
  }
  values_count_ += ValuesOf(*object);
  if (values_count_ > kSearchValuesMax) {
    return FieldError(field, absl::StrCat("must have at most ", kSearchValuesMax, " values"));
  }
  wanted_.push_back(*std::move(object));
  return absl::OkStatus();
}

bool PayloadSearch::Matches(const Event& event, uint64_t* steps) const {
  body::BodyView view(event.content_type, event.headers, event.body);
  const auto text = body::AsJsonValue(view);
  if (!text.has_value()) return false;
  *steps += text->size();
  const absl::StatusOr<json::Document> payload = json::Parse(*text, json::kPayloadLimits);
  if (!payload.ok()) return false;
  return std::all_of(wanted_.begin(), wanted_.end(), [&](const json::Document& wanted) {
    return Contains(*payload, wanted, steps);
  });
}

absl::StatusOr<Page<std::string>> SearchPage(
    const PayloadSearch& search, PageRequest request,
    const std::function<absl::StatusOr<Page<Event>>(const PageRequest&)>& list,
    const std::function<std::string(const Event&)>& write) {
  request.is_backward = request.is_backward && !request.cursor.empty();
  Search walk(search, request.items_max, request.is_backward);
  request.items_max = kEventsAtOnce;
  Page<std::string> page;
  for (bool is_first = true;; is_first = false) {
    CONVOY_ASSIGN_OR_RETURN(Page<Event> part, list(request));
    std::vector<const Event*> found;
    CONVOY_ASSIGN_OR_RETURN(const uint32_t count, walk.Look(part.items, &found));
    std::vector<std::string> written;
    for (const Event* event : found) written.push_back(write(*event));
    page.items.insert(request.is_backward ? page.items.begin() : page.items.end(),
                      std::make_move_iterator(written.begin()),
                      std::make_move_iterator(written.end()));
    if (count < part.items.size()) {
      // The part that was looked at, for its cursors; from the same event on, whatever has come.
      request.items_max = count;
      if (request.cursor.empty()) request.cursor = part.prev_cursor;
      CONVOY_ASSIGN_OR_RETURN(part, list(request));
    }
    TakeEdges(part, is_first, request.is_backward, &page);
    const bool has_more = request.is_backward ? part.has_prev : part.has_next;
    // Fewer, with more behind them: the store has looked at as many rows as a page may cost.
    const bool is_spent = part.items.size() < request.items_max;
    if (!has_more || is_spent || walk.is_over()) return page;
    request.cursor = request.is_backward ? part.prev_cursor : part.next_cursor;
  }
}

}  // namespace convoy::http
