#include "network/scratch.h"

#include <cstdlib>
#include <new>

namespace pybridge {

namespace {

class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { std::free(data_); }

  void* reserve(std::size_t bytes) {
    if (bytes > bytes_) {
      std::free(data_);
      bytes_ = (bytes + 63) / 64 * 64;
      data_ = std::aligned_alloc(64, bytes_);
      if (data_ == nullptr) {
        bytes_ = 0;
        throw std::bad_alloc();
      }
    }
    return data_;
  }

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace

template <class Real>
Real* thread_scratch(ScratchSlot slot, std::size_t count) {
  thread_local Buffer buffers[3];
  return static_cast<Real*>(buffers[static_cast<int>(slot)].reserve(count * sizeof(Real)));
}

template float* thread_scratch<float>(ScratchSlot, std::size_t);
template double* thread_scratch<double>(ScratchSlot, std::size_t);

}  // namespace pybridge
