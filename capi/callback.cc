// Per-thread stack of callback scopes. Callbacks nest: a done function may call another gateway,
// which logs.
#include "capi/callback.h"

namespace convoy::capi {
namespace {

thread_local const CallbackScope* innermost = nullptr;

}  // namespace

CallbackScope::CallbackScope(const Engine* engine) : engine_(engine), outer_(innermost) {
  innermost = this;
}

CallbackScope::~CallbackScope() { innermost = outer_; }

bool CallbackScope::IsInside(const Engine* engine) {
  for (const CallbackScope* scope = innermost; scope != nullptr; scope = scope->outer_) {
    if (scope->engine_ == engine) return true;
  }
  return false;
}

}  // namespace convoy::capi
