// The arguments of UMAT that are used, as pointers. Symmetric tensors: 11, 22, 33, 12, 13, 23, engineering
// shear strains; in plane strain and axisymmetry 11, 22, 33, 12. Matrices are column-major
// (cpp/core/conventions.h).
#pragma once

namespace pybridge::abaqus {

struct UmatArguments {
  double* stress;   // [components] in: at the start of the increment; out: at its end
  double* state;    // [states]
  double* tangent;  // DDSDDE [components][components]; null where no tangent is wanted
  double *elastic_energy, *plastic_energy, *creep_energy;  // SSE, SPD, SCD
  const double *strain, *strain_inc;                       // STRAN, DSTRAN
  const double* time;                                      // step time, total time at the start
  const double* dt;
  const double* temperature;
  const char* name;  // 80 characters, blank-padded
  int direct, shear, components, states, constants;
  const double* props;
  const double* rotation_inc;  // DROT
  double* next_dt;             // PNEWDT
  const double *defgrad_old, *defgrad_new;
  int element, point;
};

}  // namespace pybridge::abaqus
