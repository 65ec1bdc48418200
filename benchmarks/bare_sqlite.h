// The least that SQLite must do to store what a gateway stored.
#pragma once

#include <string>

namespace benchmarks {

// Reads all rows of the tables of `source` that hold at least `rows_min` rows, creates a database
// with the same tables and indexes at `target`, and inserts the same rows: `batch` of each table in
// one transaction, WAL, synchronous=FULL. Returns the seconds that the inserts took.
double InsertSameRows(const std::string& source, const std::string& target, int rows_min,
                      int batch);

}  // namespace benchmarks
