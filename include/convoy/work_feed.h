// Work feed: what a store that several openers share tells about the work of the others. A store
// that has one implements it beside Storage; without it others' work is found by asking.
#pragma once

#include <functional>

namespace convoy {

class WorkFeed {
 public:
  virtual ~WorkFeed() = default;

  // From now on `tell` is called when another opener has left work that is due: soon after, once
  // for many of them, and perhaps for work that is taken by then. It is called on a thread of the
  // store's, must be quick and must not call the store. Some may be lost, so it is worth asking now
  // and then all the same. Empty: no more calls; none is under way when this returns.
  virtual void SetWorkListener(std::function<void()> tell) = 0;
};

}  // namespace convoy
