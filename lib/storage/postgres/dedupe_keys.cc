// Rows of dedupe keys; see dedupe_keys.h.
#include "lib/storage/postgres/dedupe_keys.h"

#include <algorithm>
#include <string_view>

#include "lib/base/status_macros.h"
#include "lib/base/time_text.h"
#include "lib/storage/key_hash.h"
#include "lib/storage/postgres/failure.h"

namespace convoy::storage::postgres {
namespace {

// Keys of a project that has no number yet are inserted later, when it has.
constexpr std::string_view kInsertOfOne =
    "INSERT INTO dedupe_key (project, hash, expires_at_us) SELECT p.number, w.hash, "
    "w.expires_at_us FROM name AS p CROSS JOIN unnest($2::bytea[], $3::int8[]) AS w(hash, "
    "expires_at_us) WHERE p.id = $1::bytea ON CONFLICT DO NOTHING RETURNING project, hash";
constexpr std::string_view kInsertOfMany =
    "INSERT INTO dedupe_key (project, hash, expires_at_us) SELECT p.number, w.hash, "
    "w.expires_at_us FROM unnest($1::bytea[], $2::bytea[], $3::int8[]) AS w(scope, hash, "
    "expires_at_us) JOIN name AS p ON p.id = w.scope ON CONFLICT DO NOTHING "
    "RETURNING project, hash";
// Keys are looked up in a subquery each, which is planned by itself: of a join with tables that are
// empty as yet the planner may look up the project alone, and go through all of its keys.
constexpr std::string_view kLock =
    "SELECT w.n, k.expires_at_us FROM unnest($1::bytea[], $2::bytea[]) WITH ORDINALITY "
    "AS w(scope, hash, n) JOIN name AS p ON p.id = w.scope CROSS JOIN LATERAL (SELECT "
    "r.expires_at_us FROM dedupe_key AS r WHERE r.project = p.number AND r.hash = w.hash LIMIT 1 "
    "FOR UPDATE) AS k";
constexpr std::string_view kInsertLate =
    "INSERT INTO dedupe_key (project, hash, expires_at_us) SELECT * FROM "
    "unnest($1::int8[], $2::bytea[], $3::int8[])";
constexpr std::string_view kRenew =
    "UPDATE dedupe_key AS k SET expires_at_us = f.expires_at_us FROM (SELECT w.expires_at_us, "
    "(SELECT r.ctid FROM dedupe_key AS r WHERE r.project = w.project AND r.hash = w.hash LIMIT 1) "
    "AS place FROM unnest($1::int8[], $2::bytea[], $3::int8[]) AS w(project, hash, "
    "expires_at_us)) AS f WHERE k.ctid = f.place";
constexpr std::string_view kRemove =
    "DELETE FROM dedupe_key AS k USING (SELECT (SELECT r.ctid FROM dedupe_key AS r WHERE "
    "r.project = w.project AND r.hash = w.hash LIMIT 1) AS place FROM "
    "unnest($1::int8[], $2::bytea[]) AS w(project, hash)) AS f WHERE k.ctid = f.place";

}  // namespace

std::string HashText(std::string_view key) {
  const KeyHash hash = HashOf(key);
  return std::string(hash.data(), hash.size());
}

DedupeKeys::State& DedupeKeys::StateOf(const DedupeKey& key) {
  State& state = keys_[{key.scope, HashOf(key.key)}];
  states_[&key] = &state;
  return state;
}

void DedupeKeys::Add(const DedupeKey& key) {
  State& state = StateOf(key);
  if (!std::exchange(state.may_be_taken, true)) {
    state.inserted_until_us = base::ToMicros(key.expires_at);
  }
}

void DedupeKeys::Queue() {
  QueueInsert();
  has_read_ = QueueRead(/*is_after_insert=*/false);
}

void DedupeKeys::QueueInsert() {
  Columns rows;
  Array scopes;
  for (const auto& [name, state] : keys_) {
    if (!state.may_be_taken) continue;
    scopes.Add(name.scope);
    rows.AddRow({name.digest(), state.inserted_until_us});
  }
  inserts_count_ = rows.rows_count();
  if (inserts_count_ == 0) return;
  if (is_of_one_scope()) {
    connection_.Queue(kInsertOfOne, Params().Bytes(keys_.begin()->first.scope).All(rows));
  } else {
    connection_.Queue(kInsertOfMany, Params().Column(scopes).All(rows));
  }
}

absl::Status DedupeKeys::Finish(std::vector<Rows>& answers, const Interning& names) {
  if (has_read_) {
    TakeStored(answers.back());
    answers.pop_back();
  }
  if (inserts_count_ == 0) return absl::OkStatus();
  CONVOY_RETURN_IF_ERROR(TakeInserted(answers.back(), names));
  answers.pop_back();
  if (!QueueRead(/*is_after_insert=*/true)) return absl::OkStatus();
  CONVOY_ASSIGN_OR_RETURN(const std::vector<Rows> stored, connection_.Flush());
  TakeStored(stored.back());
  return absl::OkStatus();
}

absl::Status DedupeKeys::TakeInserted(const Rows& rows, const Interning& names) {
  const bool are_all = rows.count() == inserts_count_ && is_of_one_scope();
  if (are_all && rows.IntAt(0, 0) == names.NumberOf(keys_.begin()->first.scope)) {
    for (auto& [name, state] : keys_) state.is_inserted = state.may_be_taken;
    return absl::OkStatus();
  }
  std::map<std::pair<int64_t, std::string_view>, State*> by_number;
  for (auto& [name, state] : keys_) {
    by_number[{names.NumberOf(name.scope), name.digest()}] = &state;
  }
  for (int i = 0; i < rows.count(); ++i) {
    const auto found = by_number.find({rows.IntAt(i, 0), rows.BytesAt(i, 1)});
    // The project has come or gone since its number was read.
    if (found == by_number.end()) return PostgresStatus("40001", "a project has changed");
    found->second->is_inserted = true;
  }
  return absl::OkStatus();
}

bool DedupeKeys::QueueRead(bool is_after_insert) {
  Array scopes, hashes;
  read_.clear();
  for (auto& [name, state] : keys_) {
    if (state.may_be_taken != is_after_insert || state.is_inserted) continue;
    scopes.Add(name.scope);
    hashes.Add(name.digest());
    read_.push_back(&state);
  }
  if (!read_.empty()) connection_.Queue(kLock, Params().Column(scopes).Column(hashes));
  return !read_.empty();
}

void DedupeKeys::TakeStored(const Rows& rows) {
  for (int i = 0; i < rows.count(); ++i) {
    State& state = *read_[static_cast<size_t>(rows.IntAt(i, 0) - 1)];
    state.is_stored = state.is_held = true;
    state.expires_at_us = rows.IntAt(i, 1);
  }
}

bool DedupeKeys::IsHeld(const DedupeKey& key, absl::Time now) const {
  const State& state = *states_.at(&key);
  return state.is_held && state.expires_at_us > base::ToMicros(now);
}

bool DedupeKeys::Take(const DedupeKey& key, absl::Time now) {
  if (!key.is_taken_over && IsHeld(key, now)) return false;
  State& state = *states_.at(&key);
  state.is_taken = state.is_held = true;
  state.expires_at_us = base::ToMicros(key.expires_at);
  return true;
}

void DedupeKeys::QueueRest(const Interning& names) {
  RowPieces inserted, renewed, removed;
  for (const auto& [name, state] : keys_) {
    const int64_t project = names.NumberOf(name.scope);
    const std::string_view hash = name.digest();
    if (!state.is_taken) {
      if (state.is_inserted) removed.AddRow({project, hash});
    } else if (!state.is_inserted && !state.is_stored) {
      inserted.AddRow({project, hash, state.expires_at_us});
    } else if (state.is_stored || state.expires_at_us != state.inserted_until_us) {
      renewed.AddRow({project, hash, state.expires_at_us});
    }
  }
  const auto queue = [this](std::string_view sql, const RowPieces& rows) {
    for (const Columns& piece : rows.pieces()) connection_.Queue(sql, Params().All(piece));
  };
  queue(kInsertLate, inserted);
  queue(kRenew, renewed);
  queue(kRemove, removed);
}

}  // namespace convoy::storage::postgres
