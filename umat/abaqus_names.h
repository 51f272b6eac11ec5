// How the host spells the names of its user subroutines, and which floating-point type this build has.
#pragma once

// Abaqus declares its entry points through a macro of its own header; without Abaqus: the Linux spelling.
#if __has_include(<omi_for_c.h>)
#include <omi_for_c.h>
#elif __has_include(<aba_for_c.h>)
#include <aba_for_c.h>
#endif
#ifndef FOR_NAME
#define FOR_NAME(lower, upper) lower##_
#endif

#define PYBRIDGE_EXPORT extern "C" __attribute__((visibility("default")))

namespace pybridge::abaqus {

constexpr int name_length = 80;  // of cmname, blank-padded

using Real = PYBRIDGE_REAL;  // double in libexplicitU-D.so, float in libexplicitU.so

}  // namespace pybridge::abaqus
