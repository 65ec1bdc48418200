// A store with very many rows, made by SQL, and the calls of a gateway on it.
#pragma once

#include <cstdint>
#include <string>

#include "convoy/storage.h"

namespace convoy::testing {

// SQL that gives the numbers of projects, endpoints and a source their names. CallAll needs them.
std::string NamesSql();

// SQL that fills an empty store: `events_count` events, one a millisecond since 1970, of 50
// projects and 500 endpoints, each with a delivery, an attempt and a dedupe key (of four projects).
// A tenth of the deliveries have not ended and are due. Besides there are configuration, held
// inputs and lanes. A part of the events, as many as an eighth, is there twice, the second time in
// the last partition.
std::string FillSql(int64_t events_count);

// Calls what lists, claims, records, counts, accepts and prunes, some of it several times, in such
// a store or in an empty one. Claims are given back. Throws at the first failure.
void CallAll(Storage& storage, int64_t events_count);

}  // namespace convoy::testing
