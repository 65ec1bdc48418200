// Starting and stopping of PgBouncer; see pooler.h.
#include "tests/unit/postgres/pooler.h"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

#include "tests/unit/postgres/server.h"

namespace convoy::testing {

Pooler::Pooler() {
  std::string pattern = "/tmp/convoy_pooler_XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
  folder_ = pattern;
  std::ofstream(folder_ + "/users") << "\"postgres\" \"\"\n";
  std::ofstream(folder_ + "/config")
      << "[databases]\npostgres = host=" << PostgresServer::Get().folder()
      << "\n[pgbouncer]\npool_mode = transaction\nserver_round_robin = 1\nmin_pool_size = 4\n"
      << "auth_type = trust\nauth_file = " << folder_ << "/users\nunix_socket_dir = " << folder_
      << "\nlisten_port = 6432\nmax_client_conn = 500\nlogfile = " << folder_
      << "/log\npidfile = " << folder_ << "/pid\n";
  const std::string owner = absl::StrCat("chown -R postgres ", folder_);
  const std::string start = absl::StrCat(geteuid() == 0 ? "runuser -u postgres -- " : "",
                                         "pgbouncer -q -d ", folder_, "/config");
  if (geteuid() == 0 && std::system(owner.c_str()) != 0) throw std::runtime_error(owner);
  if (std::system(start.c_str()) != 0) {
    throw std::runtime_error("no PgBouncer here: run script/bootstrap");
  }
  for (int i = 0; i < 200; ++i) {
    if (std::filesystem::exists(folder_ + "/.s.PGSQL.6432")) return;
    absl::SleepFor(absl::Milliseconds(25));
  }
  throw std::runtime_error("PgBouncer does not listen");
}

Pooler::~Pooler() {
  pid_t process = 0;
  std::ifstream(folder_ + "/pid") >> process;
  if (process > 0) kill(process, SIGKILL);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string Pooler::dsn() const {
  return absl::StrCat("host=", folder_, " port=6432 user=postgres dbname=postgres");
}

}  // namespace convoy::testing
