// Kind of the SQLite that this is linked with.
#pragma once

namespace convoy::storage {

// True if it is a copy of this library's own, hidden from the rest of the process; false if it is
// the system's, which the process has once.
bool IsSqlitePrivate();

}  // namespace convoy::storage
