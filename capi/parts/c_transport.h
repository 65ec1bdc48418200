// Transport of the host. It also checks that the host keeps the table's promises: an exchange that
// is finished twice, too early or not at all is a defect that is told, and does no harm.
#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"

#include "capi/parts/part.h"
#include "convoy/clock.h"
#include "convoy/transport.h"

namespace convoy::capi {

class CTransport;

// The way of results from the host to the transport that is open. It is kept with the host's part:
// a result that comes when the gateway is gone finds the gate closed.
class ResultGate {
 public:
  void Open(CTransport* transport) ABSL_LOCKS_EXCLUDED(mutex_);
  // Returns once no result is on its way through.
  void Close() ABSL_LOCKS_EXCLUDED(mutex_);
  void Pass(uint64_t exchange, const convoy_sent* sent) ABSL_LOCKS_EXCLUDED(mutex_);
  // Numbers of exchanges are never used again, by the next gateway neither.
  uint64_t NextExchange() { return ++last_exchange_; }

 private:
  absl::Mutex mutex_;
  CTransport* transport_ ABSL_GUARDED_BY(mutex_) = nullptr;
  int passing_count_ ABSL_GUARDED_BY(mutex_) = 0;
  std::atomic<uint64_t> last_exchange_ = 0;
};

// `is_taken` while a gateway uses it.
struct TransportPart : Part<convoy_transport> {
  using Part::Part;
  mutable std::atomic<bool> is_taken = false;
  mutable ResultGate gate;
};

class CTransport final : public Transport {
 public:
  // `part` is not taken by another.
  CTransport(std::shared_ptr<const TransportPart> part, const Engine* engine, ReportDefect report);
  ~CTransport() override;

  std::string_view name() const override { return table_.name; }
  void Send(OutgoingRequest request, SendCompletion done) override;
  void Step() override;
  int wake_fd() const override { return wake_fd_; }
  void Cancel() override;

 private:
  friend class ResultGate;
  struct Exchange;
  struct Ended {
    std::unique_ptr<Exchange> exchange;
    TransportResult result;
  };

  static void OnSent(void* gate, uint64_t exchange, const convoy_sent* sent);
  void Finish(uint64_t number, const convoy_sent* sent);
  TransportResult ResultOf(const Exchange& exchange, const convoy_sent* sent) const;
  std::unique_ptr<Exchange> Take(uint64_t number) ABSL_LOCKS_EXCLUDED(mutex_);
  // Calls `function` as the owner's thread, then ends what was finished out of turn.
  void CallAsOwner(void (*function)(void* self));
  void EndEarly() ABSL_LOCKS_EXCLUDED(mutex_);

  const std::shared_ptr<const TransportPart> part_;
  const convoy_transport& table_;
  const Engine* const engine_;
  const ReportDefect report_;
  const std::unique_ptr<Clock> clock_ = NewSystemClock();
  int wake_fd_ = -1;
  std::atomic<std::thread::id> owner_;  // the thread inside step or cancel, if any
  std::atomic<int> sends_count_ = 0;    // calls of send under way

  absl::Mutex mutex_;
  absl::flat_hash_map<uint64_t, std::unique_ptr<Exchange>> exchanges_ ABSL_GUARDED_BY(mutex_);
  std::vector<Ended> early_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace convoy::capi
