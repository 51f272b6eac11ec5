// The 31 arguments of VUMAT, as pointers: nothing is read before it is known to be readable.
//
// Arrays are (nblock, components), the point running fastest. Symmetric tensors: 11, 22, 33, 12, 23, 31,
// tensor components; deformation gradients: cpp/core/conventions.h.
#pragma once

#include "abaqus_names.h"

namespace pybridge::abaqus {

struct Arguments {
  const int* block_info;  // [0] points; more only where array_arguments() holds
  int n, direct, shear, states, constants;
  const int* info;  // lanneal, or jInfoArray
  const Real* step_time;
  const Real* total_time;
  Real* dt;          // dt, or dtArray
  const char* name;  // 80 characters, blank-padded
  const Real* props;
  const Real* density;
  const Real* strain_inc;
  const Real* temp_old;
  const Real* stretch_old;
  const Real* stress_old;
  const Real* state_old;
  const Real* internal_old;
  const Real* inelastic_old;
  const Real* stretch_new;
  const Real* defgrad_new;
  Real* stress_new;
  Real* state_new;
  Real* internal_new;
  Real* inelastic_new;

  int components() const { return direct + shear; }
};

// Whether the host passes jInfoArray and dtArray in the places of lanneal and dt. A scalar and the first
// entry of an array look alike, and reading on to find out would read beyond the scalar. So the caller says
// it: environment variable PYBRIDGE_VUMAT_ARRAYS=1, or pybridge_set_array_arguments(1).
bool array_arguments();

}  // namespace pybridge::abaqus
