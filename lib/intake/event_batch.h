// Pieces of the batches that accept events, whatever the event came from.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "convoy/model.h"
#include "convoy/storage.h"
#include "lib/body/body_view.h"
#include "lib/route/snapshot.h"

namespace convoy::intake {

// The content of `event` that filters look at. Both must outlive it.
route::EventContent ContentOf(const Event& event, body::BodyView& body);

// Adds those subscriptions of `endpoint_id` that want the event.
void AddWanting(const route::ProjectSnapshot& project, const Event& event,
                const route::EventContent& content, std::string_view endpoint_id,
                std::vector<const Subscription*>& out_wanting);

// A batch with one submission.
WriteBatch BatchOf(Submission submission, std::optional<DedupeKey> dedupe);

}  // namespace convoy::intake
