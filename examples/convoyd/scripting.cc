// The engine of payload functions, as CMake selected it (lib/script/CMakeLists.txt).
#include "examples/convoyd/scripting.h"

namespace convoyd {

absl::StatusOr<std::unique_ptr<convoy::Scripting>> NewScripting() {
#ifdef CONVOYD_SCRIPTING
  return convoy::NewQuickJsScripting();
#else
  return std::unique_ptr<convoy::Scripting>();
#endif
}

}  // namespace convoyd
