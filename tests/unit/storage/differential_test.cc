// The store in memory and the one in SQLite do the same, whatever is asked of them. A failure names
// the seed that repeats it.
#include <catch2/catch.hpp>

#include "lib/storage/sqlite/sqlite_storage.h"
#include "tests/faults/faulty_vfs.h"
#include "tests/unit/storage/stores.h"
#include "tests/unit/storage/twins.h"

namespace convoy::testing {
namespace {

constexpr int kSeeds = 100;
constexpr int kSteps = 250;

// Nothing fails here, but thousands of real syncs would take minutes.
std::string VfsWithoutSyncs() {
  FaultyVfs::Get().Arm({});
  return FaultyVfs::Get().name();
}

TEST_CASE("differential: memory and SQLite answer alike whatever is asked of them") {
  for (int seed = 1; seed <= kSeeds; ++seed) {
    TemporaryFile file;
    Twins twins(static_cast<uint64_t>(seed),
                storage::OpenSqlite({.path = file.path(), .vfs = VfsWithoutSyncs()}).value());
    for (int step = 0; step < kSteps; ++step) {
      INFO("seed " << seed << ", step " << step);
      twins.Step();
    }
  }
}

}  // namespace
}  // namespace convoy::testing
