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
  kUnderWay,      // the server gets the COMMIT, and nothing is waited for
};

class CuttingProxy {
 public:
  // Listens on a socket in `folder` (in which the server may not have its own).
  CuttingProxy(const std::string& folder, const std::string& server_folder);
  ~CuttingProxy();

  // So many connections from now on, each when it sends `text`: the last of what it sends with its
  // COMMIT, or else the COMMIT that it prepares first.
  void CutNext(int count, Cut cut, std::string text = std::string("COMMIT\0", 7));
  int cuts_count() const { return cuts_count_; }

  // With the next cut all connections end, and there are no others until Restore.
  void GoDownWithNextCut() { goes_down_ = true; }
  bool is_down() const { return is_down_; }
  void Restore();

 private:
  void Accept();
  void Forward(int client);

  const std::string server_path_;
  int listener_ = -1;
  std::atomic<bool> is_over_ = false;
  std::atomic<int> cuts_left_ = 0;
  std::atomic<int> cuts_count_ = 0;
  std::atomic<Cut> cut_ = Cut::kBeforeAnswer;
  std::string text_;  // set before cuts_left_
  std::atomic<bool> goes_down_ = false;
  std::atomic<bool> is_down_ = false;
  std::thread acceptor_;
  std::vector<std::thread> forwarders_;  // of the acceptor
};

}  // namespace convoy::testing
