/* The conformance suite on a storage in plain C: a sound one passes, and each flaw is found and
 * named. The argument is a folder for its files. It has one thread, because the suite forks. */
#include <convoy_testing.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "log_table.h"

typedef struct {
  enum table_flaw flaw;
  char path[512];
} place;

typedef struct {
  int met;
  int failed;
  int skipped;
  const char* wanted; /* a requirement that is to fail; NULL: none is */
  int has_wanted;
} tally;

static void count(void* user, uint32_t kind, const char* requirement, const char* detail) {
  tally* counts = user;
  if (kind == CONVOY_REPORT_MET) ++counts->met;
  if (kind == CONVOY_REPORT_SKIPPED) ++counts->skipped;
  if (kind != CONVOY_REPORT_FAILED) return;
  ++counts->failed;
  fprintf(stderr, "  %s\n      %s\n", requirement, detail);
  CHECK(strlen(detail) > 0);
  if (counts->wanted != NULL && strcmp(counts->wanted, requirement) == 0) counts->has_wanted = 1;
}

static convoy_status make(void* self, int32_t is_new, convoy_storage* out,
                          convoy_failure* failure) {
  const place* at = self;
  if (is_new) unlink(at->path);
  return log_table_open(at->path, at->flaw, out, failure);
}

static void check_table(const char* folder, const char* flaw_name, enum table_flaw flaw,
                        const char* wanted) {
  convoy_storage_factory factory;
  tally counts = {0, 0, 0, NULL, 0};
  place at;
  int32_t failures;
  at.flaw = flaw;
  CHECK(snprintf(at.path, sizeof at.path, "%s/%s.log", folder, flaw_name) < (int)sizeof at.path);
  memset(&factory, 0, sizeof factory);
  factory.struct_size = sizeof factory;
  factory.self = &at;
  factory.make = make;
  factory.may_fork = 1;
  counts.wanted = wanted;
  fprintf(stderr, "%s:\n", flaw_name);
  failures = convoy_storage_conformance(&factory, count, &counts);
  CHECK(counts.has_wanted == (wanted != NULL));
  CHECK((failures > 0) == (wanted != NULL));
  /* The suite of stores is run if the table keeps its promises, and skipped as a whole if not. */
  CHECK(counts.met + failures == (wanted == NULL ? 10 + 79 : 10));
  CHECK(counts.skipped == (wanted == NULL ? 5 : 1));
  CHECK(log_tables_count() == 0);
  unlink(at.path);
}

static convoy_status make_nothing(void* self, int32_t is_new, convoy_storage* out,
                                  convoy_failure* failure) {
  (void)self, (void)is_new, (void)out;
  snprintf(failure->text, failure->text_size, "there is no disk");
  return CONVOY_E_DENIED;
}

static void check_refusals(void) {
  convoy_storage_factory factory;
  tally counts = {0, 0, 0, NULL, 0};
  fprintf(stderr, "nothing:\n");
  CHECK(convoy_storage_conformance(NULL, count, &counts) == -CONVOY_E_INVALID);
  memset(&factory, 0, sizeof factory);
  factory.struct_size = sizeof factory;
  CHECK(convoy_storage_conformance(&factory, NULL, NULL) == -CONVOY_E_INVALID);
  factory.make = make_nothing;
  CHECK(convoy_storage_conformance(&factory, count, &counts) == 8);
  CHECK(counts.skipped == 3); /* it may not fork */
}

int main(int argc, char** argv) {
  const char* const folder = argc == 2 ? argv[1] : ".";
  check_table(folder, "sound", TABLE_SOUND, NULL);
  check_table(folder, "loses_batches", TABLE_LOSES_BATCHES,
              "a batch puts, replaces and removes all of its rows");
  check_table(folder, "tears_batches", TABLE_TEARS_BATCHES,
              "a batch survives the death of the process whole, or not at all");
  check_table(folder, "misorders", TABLE_MISORDERS,
              "a scan gives the rows in the order of their keys as bytes");
  check_table(folder, "ends_keys_at_zero", TABLE_ENDS_KEYS_AT_ZERO,
              "a scan gives the rows in the order of their keys as bytes");
  check_table(folder, "ignores_until", TABLE_IGNORES_UNTIL,
              "a scan keeps to its bounds and to its number of rows");
  check_table(folder, "ignores_count", TABLE_IGNORES_COUNT,
              "a scan keeps to its bounds and to its number of rows");
  check_table(folder, "changes_under_scan", TABLE_CHANGES_UNDER_SCAN,
              "a scan shows one state, whatever is written meanwhile");
  check_table(folder, "reuses_memory", TABLE_REUSES_MEMORY,
              "a row stays as it is until emit returns");
  check_table(folder, "lies_about_sync", TABLE_LIES_ABOUT_SYNC,
              "what was synced survives the death of the process");
  check_table(folder, "forgets_at_close", TABLE_FORGETS_AT_CLOSE,
              "what was written is there when the place is opened again");
  check_refusals();
  puts("verified");
  return 0;
}
