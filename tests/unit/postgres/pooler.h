// A PgBouncer in transaction mode before the PostgreSQL server of the tests. Each transaction gets
// another session than the one before, where there is one.
#pragma once

#include <string>

namespace convoy::testing {

class Pooler {
 public:
  Pooler();
  ~Pooler();
  Pooler(const Pooler&) = delete;
  Pooler& operator=(const Pooler&) = delete;

  std::string dsn() const;

 private:
  std::string folder_;
};

}  // namespace convoy::testing
