// A chunk is one batch: the events of its inputs and their releases. If one of the inputs is gone
// when the batch is written, because another call was quicker, the batch changes nothing, and its
// inputs are tried again one by one. So each input is accepted by one call, and a crash leaves a
// chunk either accepted or held.
//
// Oldest first. Nothing is kept between two calls: who goes on names where the last one stopped.
#include "lib/http/resource/release_job.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <map>
#include <memory>
#include <utility>

#include "convoy/config_read.h"
#include "lib/base/status_macros.h"
#include "lib/http/shape/envelope.h"
#include "lib/http/shape/wire.h"
#include "lib/intake/job_room.h"
#include "lib/intake/release.h"
#include "lib/storage/write_tries.h"

namespace convoy::http {
namespace {

constexpr uint32_t kChunkInputsMax = 16;  // bodies are held in memory
constexpr uint32_t kInputsMax = 5000;     // of one call

void Append(WriteBatch& batch, WriteBatch more) {
  std::move(more.submissions.begin(), more.submissions.end(),
            std::back_inserter(batch.submissions));
  std::move(more.releases.begin(), more.releases.end(), std::back_inserter(batch.releases));
  std::move(more.config.begin(), more.config.end(), std::back_inserter(batch.config));
}

class ReleaseJob : public std::enable_shared_from_this<ReleaseJob> {
 public:
  ReleaseJob(const GatewayOptions& options, const ApiParts& parts, ReleaseRequest request)
      : parts_(parts),
        open_jobs_max_(options.open_jobs_max),
        broker_intake_(options, parts.intake, parts.clock, parts.ulids),
        request_(std::move(request)),
        query_(request_.query) {}

  // The next write, or the answer.
  Reply Next();

 private:
  // Fills `waiting_`; leaves it empty at the end.
  absl::Status Load();
  absl::Status LoadPage();
  absl::Status LoadNamed();
  // Moves inputs from `waiting_` into `chunk_` and the batch, and counts those that are refused.
  absl::Status PlanChunk(WriteBatch& batch);
  absl::StatusOr<intake::ReleasePlan> Plan(const HeldInput& input);
  void PopWaiting();
  Reply OnFunction(const ScriptResult& result);
  Reply Settle(const CommitResult& result);
  Reply Answer();

  const ApiParts& parts_;
  const uint32_t open_jobs_max_;
  const intake::BrokerIntake broker_intake_;
  const ReleaseRequest request_;
  HeldQuery query_;         // from_id moves on
  bool has_more_ = true;    // beyond `waiting_`
  size_t named_count_ = 0;  // of request_.ids, loaded so far
  uint32_t tried_count_ = 0;

  std::deque<HeldInput> waiting_;
  std::vector<HeldInput> chunk_;   // what is being written
  intake::Receptions receptions_;  // of it
  size_t singles_count_ = 0;       // so many of `waiting_` go one by one
  storage::WriteTries tries_;      // of one that goes alone
  intake::FunctionRuns runs_;      // of the first that waits

  uint64_t accepted_count_ = 0;
  uint64_t duplicates_count_ = 0;
  uint64_t not_found_count_ = 0;
  std::map<std::string, uint64_t> refused_counts_;  // by reason
};

Reply ReleaseJob::Next() {
  while (true) {
    if (waiting_.empty()) {
      if (const absl::Status loaded = Load(); !loaded.ok()) return FromStatus(loaded);
      if (waiting_.empty() && has_more_ && tried_count_ < kInputsMax) continue;  // an empty page
      if (waiting_.empty()) return Answer();
    }
    PendingWrite pending{.has_deliveries = true};
    const absl::Status planned = PlanChunk(pending.batch);
    if (!planned.ok()) return FromStatus(planned);
    if (chunk_.empty() && runs_.wanted() != nullptr) {
      return PendingScript{.call = *runs_.wanted(),
                           .finish = [job = shared_from_this()](const ScriptResult& result) {
                             return job->OnFunction(result);
                           }};
    }
    if (chunk_.empty()) continue;
    const auto project = parts_.configuration->FindProject(query_.project_id);
    if (!project.ok()) return FromStatus(project.status());
    receptions_ = parts_.intake->receptions().Begin((*project)->project(), pending.batch);
    pending.finish = [job = shared_from_this()](const CommitResult& result) {
      return job->Settle(result);
    };
    return pending;
  }
}

absl::Status ReleaseJob::Load() {
  if (!has_more_ || tried_count_ >= kInputsMax) return absl::OkStatus();
  query_.now = parts_.clock->Now();
  CONVOY_RETURN_IF_ERROR(request_.has_ids ? LoadNamed() : LoadPage());
  tried_count_ += static_cast<uint32_t>(waiting_.size());
  return absl::OkStatus();
}

absl::Status ReleaseJob::LoadPage() {
  CONVOY_ASSIGN_OR_RETURN(
      Page<HeldInput> page,
      parts_.storage->ListHeld(query_, {.is_ascending = true, .items_max = kChunkInputsMax}));
  std::move(page.items.begin(), page.items.end(), std::back_inserter(waiting_));
  has_more_ = page.has_next;
  query_.from_id = std::move(page.next_cursor);
  return absl::OkStatus();
}

absl::Status ReleaseJob::LoadNamed() {
  const auto is_wanted = [this](const HeldInput& input) {
    const std::vector<std::string>& sources = query_.source_ids;
    return (sources.empty() || input.source_id == sources.front()) &&
           input.kind == query_.kind.value_or(input.kind) &&
           (query_.reason.empty() || input.reason == query_.reason);
  };
  while (waiting_.size() < kChunkInputsMax && named_count_ < request_.ids.size()) {
    absl::StatusOr<HeldInput> input =
        parts_.storage->GetHeld(query_.project_id, request_.ids[named_count_++], query_.now);
    if (!input.ok() && !absl::IsNotFound(input.status())) return input.status();
    if (input.ok() && is_wanted(*input)) {
      waiting_.push_back(*std::move(input));
    } else {
      ++not_found_count_;
    }
  }
  has_more_ = named_count_ < request_.ids.size();
  return absl::OkStatus();
}

absl::StatusOr<intake::ReleasePlan> ReleaseJob::Plan(const HeldInput& input) {
  CONVOY_ASSIGN_OR_RETURN(const auto project, parts_.configuration->FindProject(input.project_id));
  CONVOY_ASSIGN_OR_RETURN(const Source source,
                          GetConfig<Source>(*parts_.storage, input.project_id, input.source_id));
  CONVOY_ASSIGN_OR_RETURN(const auto entry, parts_.configuration->FindSourceByMask(source.mask_id));
  return intake::PlanRelease(*parts_.intake, broker_intake_, *project, *entry, input, &runs_);
}

absl::Status ReleaseJob::PlanChunk(WriteBatch& batch) {
  while (!waiting_.empty()) {
    absl::StatusOr<intake::ReleasePlan> plan = Plan(waiting_.front());
    if (absl::IsNotFound(plan.status())) {
      ++not_found_count_;  // it went with its source
      PopWaiting();
      continue;
    }
    if (!plan.ok()) return plan.status();
    if (runs_.wanted() != nullptr) break;  // what is planned is written first
    if (!plan->refusal.empty()) {
      ++refused_counts_[plan->refusal];
      PopWaiting();
      continue;
    }
    CONVOY_RETURN_IF_ERROR(intake::CheckJobRoom(*parts_.storage, open_jobs_max_, plan->batch));
    // Batches that also change the configuration would conflict with each other.
    const bool goes_alone = singles_count_ > 0 || !plan->batch.config.empty();
    if (goes_alone && !chunk_.empty()) break;
    Append(batch, std::move(plan->batch));
    chunk_.push_back(std::move(waiting_.front()));
    PopWaiting();
    if (goes_alone) break;
  }
  return absl::OkStatus();
}

void ReleaseJob::PopWaiting() {
  waiting_.pop_front();
  runs_ = {};
  if (singles_count_ > 0) --singles_count_;
}

Reply ReleaseJob::OnFunction(const ScriptResult& result) {
  if (result.outcome == ScriptOutcome::kNotRun) {
    return TryLater("too many payload functions are waiting, try again later");
  }
  runs_.Add(result);
  return Next();
}

Reply ReleaseJob::Settle(const CommitResult& result) {
  std::vector<HeldInput> chunk = std::move(chunk_);
  chunk_.clear();
  const bool is_split =
      chunk.size() > 1 && (absl::IsAborted(result.status) || absl::IsNotFound(result.status));
  if (result.status.ok()) {
    parts_.intake->receptions().End(receptions_, SpanKind::kInternal, result);
    for (const SubmissionOutcome outcome : result.submissions) {
      ++(outcome == SubmissionOutcome::kDuplicate ? duplicates_count_ : accepted_count_);
    }
  } else if (is_split || tries_.ShouldPrepareAnew(result.status)) {
    singles_count_ += chunk.size();
    runs_ = {};
    waiting_.insert(waiting_.begin(), std::make_move_iterator(chunk.begin()),
                    std::make_move_iterator(chunk.end()));
    return Next();
  } else if (absl::IsNotFound(result.status)) {
    ++not_found_count_;
  } else {
    return FromStatus(result.status);
  }
  tries_ = {};
  return Next();
}

Reply ReleaseJob::Answer() {
  uint64_t remaining_count = 0;
  if (has_more_) {
    const auto count = parts_.storage->CountHeld(query_);
    if (!count.ok()) return FromStatus(count.status());
    remaining_count = *count;
  }
  const std::string data = ToJson([&](json::Writer& writer) {
    writer.BeginObject()
        .Field("accepted", accepted_count_)
        .Field("duplicates", duplicates_count_)
        .Field("not_found", not_found_count_);
    writer.Key("still_refused").BeginObject();
    for (const auto& [reason, count] : refused_counts_) writer.Field(reason, count);
    writer.EndObject()
        .Field("remaining", remaining_count)
        .Field("next_page_cursor", has_more_ ? query_.from_id : "")
        .EndObject();
  });
  return Success(200, "Held inputs tried again", data);
}

}  // namespace

Reply ReleaseInputs(const GatewayOptions& options, const ApiParts& parts, ReleaseRequest request) {
  return std::make_shared<ReleaseJob>(options, parts, std::move(request))->Next();
}

}  // namespace convoy::http
