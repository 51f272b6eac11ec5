// What the adapters share: UMAT's arguments as one list, and the library they forward to.
#pragma once

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>

#define PYBRIDGE_EXPORT extern "C" __attribute__((visibility("default")))

#define PYBRIDGE_UMAT_PARAMETERS                                                                             \
  double *STRESS, double *STATEV, double *DDSDDE, double *SSE, double *SPD, double *SCD, double *RPL,        \
      double *DDSDDT, double *DRPLDE, double *DRPLDT, const double *STRAN, const double *DSTRAN,             \
      const double *TIME, const double *DTIME, const double *TEMP, const double *DTEMP,                      \
      const double *PREDEF, const double *DPRED, const char *CMNAME, const int *NDI, const int *NSHR,        \
      const int *NTENS, const int *NSTATV, const double *PROPS, const int *NPROPS, const double *COORDS,     \
      const double *DROT, double *PNEWDT, const double *CELENT, const double *DFGRD0, const double *DFGRD1,  \
      const int *NOEL, const int *NPT, const int *LAYER, const int *KSPT, const int *JSTEP, const int *KINC, \
      int name_length

#define PYBRIDGE_UMAT_ARGUMENTS                                                                            \
  STRESS, STATEV, DDSDDE, SSE, SPD, SCD, RPL, DDSDDT, DRPLDE, DRPLDT, STRAN, DSTRAN, TIME, DTIME, TEMP,    \
      DTEMP, PREDEF, DPRED, CMNAME, NDI, NSHR, NTENS, NSTATV, PROPS, NPROPS, COORDS, DROT, PNEWDT, CELENT, \
      DFGRD0, DFGRD1, NOEL, NPT, LAYER, KSPT, JSTEP, KINC, name_length

namespace pybridge::adapters {

using Umat = void (*)(PYBRIDGE_UMAT_PARAMETERS);

// These are tools for verification, in a process of their own: what they lack ends it.
[[noreturn]] inline void give_up(const char* what, const char* detail) {
  std::fprintf(stderr, "pybridge adapter: %s: %s\n", what, detail == nullptr ? "not set" : detail);
  std::exit(3);
}

// `symbol` of the library whose path an environment variable holds.
inline void* forwarded(const char* variable, const char* symbol) {
  const char* path = std::getenv(variable);
  if (path == nullptr) give_up(variable, path);
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) give_up(path, dlerror());
  void* found = dlsym(library, symbol);
  if (found == nullptr) give_up(symbol, dlerror());
  return found;
}

}  // namespace pybridge::adapters
