// Working memory of a thread, kept between calls, so that no call of a material allocates once it is warm.
#pragma once

#include <cstddef>

namespace pybridge {

// Who uses it: a material's scratch lives while the network inside it uses its own.
enum class ScratchSlot { network, material, table, count };

// `count` values aligned to 64 bytes, not initialised; valid on this thread until the next call with the same
// slot and type. Throws std::bad_alloc.
template <class Real>
Real* thread_scratch(ScratchSlot slot, std::size_t count);

}  // namespace pybridge
