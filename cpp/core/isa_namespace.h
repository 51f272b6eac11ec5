// A namespace of its own for each instruction set, for inline templates that *_isa.cpp files share with
// others: the linker must never keep the copy compiled for AVX for everyone.
#pragma once

#define PYBRIDGE_JOIN_NAMES(a, b) a##b
#define PYBRIDGE_JOIN(a, b) PYBRIDGE_JOIN_NAMES(a, b)
#ifdef PYBRIDGE_ISA
#define PYBRIDGE_ISA_NAMESPACE PYBRIDGE_JOIN(inline_, PYBRIDGE_ISA)
#else
#define PYBRIDGE_ISA_NAMESPACE inline_common
#endif
