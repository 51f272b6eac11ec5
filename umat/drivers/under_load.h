// What the drivers of `pybridge verify threads` share.
#pragma once

#include <unistd.h>

#include <condition_variable>
#include <fstream>
#include <mutex>

// All threads wait until the last has come.
class Gate {
 public:
  explicit Gate(int threads) : missing_(threads) {}
  void wait() {
    std::unique_lock<std::mutex> lock(guard_);
    if (--missing_ == 0) return open_.notify_all();
    open_.wait(lock, [this] { return missing_ == 0; });
  }

 private:
  std::mutex guard_;
  std::condition_variable open_;
  int missing_;
};

inline long resident_kib() {
  long pages = 0;
  std::ifstream file("/proc/self/statm");
  file >> pages >> pages;
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

inline void keep_quiet(const char*) {}
