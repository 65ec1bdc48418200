// A PostgreSQL server in a temporary directory, for the tests of one process. The programs are
// Debian's; where they are missing, tests fail.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "convoy/storage.h"
#include "convoy/testing/storage_conformance.h"
#include "lib/storage/postgres/postgres_storage.h"

namespace convoy::testing {

class PostgresServer {
 public:
  // The server of this process: started on first use, stopped with the process.
  static PostgresServer& Get();
  // A standby of that one, running.
  static std::unique_ptr<PostgresServer> NewStandby();
  ~PostgresServer();

  std::string dsn() const;
  const std::string& folder() const { return folder_; }  // where its socket is
  // Whether the server has been up for so long that openers may count as dead.
  void WaitUntilSettled();
  void Start();
  // `mode` is one of pg_ctl: "fast", or "immediate", which is as if the server had died.
  void Stop(const std::string& mode);
  // Makes a primary of a standby.
  void Promote();

  // Returns once the SQL, of a boolean, is true; fails after fifteen seconds.
  void WaitUntil(const std::string& sql);
  // Runs SQL as the superuser.
  void Execute(const std::string& sql);

 private:
  // Without `primary` a new cluster.
  explicit PostgresServer(const PostgresServer* primary);
  // A program of the server's, as the user who owns it.
  void Run(const std::string& command);

  std::string programs_;
  std::string folder_;
};

// Stores in namespaces of their own on that server.
class PostgresStores : public StorageFactory {
 public:
  explicit PostgresStores(std::function<void(std::string_view)> on_statement = nullptr)
      : on_statement_(std::move(on_statement)) {}
  ~PostgresStores() override;

  absl::StatusOr<std::unique_ptr<Storage>> OpenEmpty() override;
  absl::StatusOr<std::unique_ptr<Storage>> OpenAgain() override;

  storage::postgres::PostgresOptions options() const;
  // Empty stores are cut into partitions at these keys, ascending, in the past.
  void set_cuts(std::vector<int64_t> cuts) { cuts_ = std::move(cuts); }
  // In place of the server's own.
  void set_dsn(std::string dsn) { dsn_ = std::move(dsn); }

 private:
  void Drop();
  void Cut();

  const std::function<void(std::string_view)> on_statement_;
  std::string schema_;
  std::string dsn_;
  std::vector<int64_t> cuts_;
};

}  // namespace convoy::testing
