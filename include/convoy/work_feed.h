// Work feed: notices of a store about work that other openers have added. A store may implement it
// in addition to Storage; without it, openers find the work of others by asking at intervals.
#pragma once

#include <functional>

namespace convoy {

class WorkFeed {
 public:
  virtual ~WorkFeed() = default;

  // From now on `tell` is called soon after another opener has added work that is due: once for
  // several pieces of work, and possibly for work that has been taken by then. It is called on a
  // thread of the store, must be quick and must not call the store. Notices may be lost, so callers
  // should also ask at intervals. Empty: no more calls; none is running when this returns.
  virtual void SetWorkListener(std::function<void()> tell) = 0;
};

}  // namespace convoy
