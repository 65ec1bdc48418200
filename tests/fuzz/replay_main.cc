// Feeds a target the inputs of the folders that are named, once each. The target runs on a thread
// with a small stack: what recurses on its input does not get far.
#include <pthread.h>
#include <sys/types.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr size_t kStackBytes = 512 * 1024;

struct Job {
  std::vector<std::filesystem::path> folders;
  size_t files_count = 0;
};

void* Replay(void* argument) {
  Job& job = *static_cast<Job*>(argument);
  for (const std::filesystem::path& folder : job.folders) {
    if (!std::filesystem::is_directory(folder)) continue;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      std::ifstream file(entry.path(), std::ios::binary);
      const std::vector<char> input{std::istreambuf_iterator<char>(file), {}};
      // Printed before, so that a crash names its input.
      std::printf("%s\n", entry.path().c_str());
      std::fflush(stdout);
      LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
      ++job.files_count;
    }
  }
  return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  Job job{.folders = {argv + 1, argv + argc}};
  pthread_attr_t attributes;
  pthread_t thread;
  if (pthread_attr_init(&attributes) != 0 ||
      pthread_attr_setstacksize(&attributes, kStackBytes) != 0 ||
      pthread_create(&thread, &attributes, Replay, &job) != 0 ||
      pthread_join(thread, nullptr) != 0) {
    std::fprintf(stderr, "no thread to replay on\n");
    return 1;
  }
  std::printf("%zu inputs\n", job.files_count);
  return job.files_count == 0 ? 1 : 0;
}
