#include "network/scratch.h"

#include <new>

namespace pybridge {

namespace {

constexpr std::align_val_t alignment{64};

class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { ::operator delete(data_, alignment); }

  void* reserve(std::size_t bytes) {
    if (bytes > bytes_) {
      ::operator delete(data_, alignment);
      data_ = nullptr;
      bytes_ = 0;
      data_ = ::operator new(bytes, alignment);
      bytes_ = bytes;
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
  thread_local Buffer buffers[static_cast<int>(ScratchSlot::count)];
  return static_cast<Real*>(buffers[static_cast<int>(slot)].reserve(count * sizeof(Real)));
}

template float* thread_scratch<float>(ScratchSlot, std::size_t);
template double* thread_scratch<double>(ScratchSlot, std::size_t);

}  // namespace pybridge
