// Choice of the instruction set at run time. Kernels in *_isa.cpp are compiled once for each.
#pragma once

#include <string>

namespace pybridge {

enum class Isa { baseline = 0, avx2 = 1, avx512 = 2 };

// The best instruction set of this processor, or the one that the environment variable PYBRIDGE_ISA names
// (baseline, avx2, avx512), read once. A name that the processor lacks is an Error.
Isa active_isa();

bool isa_supported(Isa isa);
const char* isa_name(Isa isa);

}  // namespace pybridge
