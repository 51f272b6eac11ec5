// Opens the TorchScript engine, a shared library of its own, when it is first asked for.
#pragma once

#include "torch_engine/torch_engine.h"

namespace pybridge {

// The engine's functions; opened once, never closed. It is looked for at PYBRIDGE_TORCH_ENGINE where that is
// set, otherwise in lib/ beside this library and beside this library itself. Throws Error that names the
// paths tried and the loader's reason.
const pybridge_torch_functions& torch_library();

}  // namespace pybridge
