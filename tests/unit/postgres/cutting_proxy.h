// A proxy before a PostgreSQL server that cuts connections when they commit.
#pragma once

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace convoy::testing {

enum class Cut {
  kBeforeServer,  // the server does not get the COMMIT
  kBeforeAnswer,  // the server has committed, and its answer is not passed on
};

// Connections are cut at the first COMMIT that they prepare.
class CuttingProxy {
 public:
  // Listens on a socket in `folder` (in which the server may not have its own).
  CuttingProxy(const std::string& folder, const std::string& server_folder);
  ~CuttingProxy();

  // So many connections from now on.
  void CutNext(int count, Cut cut);
  int cuts_count() const { return cuts_count_; }

 private:
  void Accept();
  void Forward(int client);

  const std::string server_path_;
  int listener_ = -1;
  std::atomic<bool> is_over_ = false;
  std::atomic<int> cuts_left_ = 0;
  std::atomic<int> cuts_count_ = 0;
  std::atomic<Cut> cut_ = Cut::kBeforeAnswer;
  std::thread acceptor_;
  std::vector<std::thread> forwarders_;  // of the acceptor
};

}  // namespace convoy::testing
