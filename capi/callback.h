// Re-entrancy guard: records which gateways are calling the host on this thread. A call back into
// one of them would wait for itself, so it is refused.
#pragma once

namespace convoy::capi {

struct Engine;

// Marks the time during which a callback of `engine` runs on this thread.
class CallbackScope {
 public:
  explicit CallbackScope(const Engine* engine);
  ~CallbackScope();
  CallbackScope(const CallbackScope&) = delete;
  CallbackScope& operator=(const CallbackScope&) = delete;

  static bool IsInside(const Engine* engine);

 private:
  const Engine* const engine_;
  const CallbackScope* const outer_;
};

}  // namespace convoy::capi
