/* An ordered table in plain C as the storage of a gateway: the rows are in memory, in the order of
 * their keys, and a file is the log of all batches. On request it has a flaw, which the conformance
 * suite must find, or its next writes fail. */
#ifndef CONSUMER_PARTS_LOG_TABLE_H_
#define CONSUMER_PARTS_LOG_TABLE_H_

#include <convoy_testing.h>

enum table_flaw {
  TABLE_SOUND,
  TABLE_LOSES_BATCHES,      /* says that it has written one of eight, and has not */
  TABLE_TEARS_BATCHES,      /* writes each change to the file by itself */
  TABLE_MISORDERS,          /* compares keys as signed characters */
  TABLE_ENDS_KEYS_AT_ZERO,  /* compares keys as texts that end with NUL */
  TABLE_IGNORES_UNTIL,      /* goes on to the end */
  TABLE_IGNORES_COUNT,      /* gives more rows than asked for */
  TABLE_CHANGES_UNDER_SCAN, /* lets writes in between two rows */
  TABLE_REUSES_MEMORY,      /* gives every row in the same few bytes */
  TABLE_LIES_ABOUT_SYNC,    /* keeps batches in the process until it is closed */
  TABLE_FORGETS_AT_CLOSE    /* does not write the last batches when it is closed */
};

/* Opens the table of a file, which is made if it is not there, and sets *out to it. CONVOY_E_BUSY:
 * it is open already. CONVOY_E_CORRUPT: its log is damaged. Negative numbers of `flaw` do not
 * exist. */
convoy_status log_table_open(const char* path, enum table_flaw flaw, convoy_storage* out,
                             convoy_failure* failure);

/* From now on writes, or syncs, answer with the status, and do nothing; 0: they work. */
void log_table_fail(const convoy_storage* table, convoy_status writes, convoy_status syncs);

/* How many tables are open. */
int log_tables_count(void);

#endif
