// Compiled twice: for the libraries that link the system's SQLite, and for the self-contained one.
#include "lib/storage/sqlite/sqlite_copy.h"

namespace convoy::storage {

#ifdef CONVOY_SHARED_SQLITE
bool IsSqlitePrivate() { return false; }
#else
bool IsSqlitePrivate() { return true; }
#endif

}  // namespace convoy::storage
