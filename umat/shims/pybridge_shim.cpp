// The one file that Abaqus compiles:  abaqus job=JOB user=pybridge_shim.cpp  (docs/abaqus.md).
//
// It opens pybridge's prebuilt library by path and forwards the calls with their addresses; no material, no
// C++ runtime and no BLAS of pybridge's meets Abaqus's. Folders are searched for the library in this order:
// the environment variable PYBRIDGE_ABAQUS_DIR, the current folder, the folder that `pybridge build abaqus`
// wrote.
//
// Abaqus/Explicit runs in single or double precision, and takes the library of that precision: from the
// environment variable PYBRIDGE_PRECISION (single, double), else from the name of its program (..._dp is
// double).
//
// Both argument lists of VUMAT (scalars lanneal and dt, or arrays jInfoArray and dtArray) are the same
// addresses.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#include <unistd.h>
#endif

#if defined(__has_include)
#if __has_include(<omi_for_c.h>)
#include <omi_for_c.h>
#elif __has_include(<aba_for_c.h>)
#include <aba_for_c.h>
#endif
#endif
#ifndef FOR_NAME
#ifdef _WIN32
#define FOR_NAME(lower, upper) upper
#else
#define FOR_NAME(lower, upper) lower##_
#endif
#endif

#ifdef _WIN32
#define SHIM_EXPORT extern "C" __declspec(dllexport)
#define SHIM_CALL __cdecl
#else
#define SHIM_EXPORT extern "C" __attribute__((visibility("default")))
#define SHIM_CALL
#endif

#ifndef PYBRIDGE_DIR
#define PYBRIDGE_DIR "@PYBRIDGE_DIR@"
#endif

namespace {

typedef void(SHIM_CALL* Vumat)(const void*, const void*, const void*, const void*, const void*, const void*,
                               const void*, const void*, const void*, void*, const char*, const void*,
                               const void*, const void*, const void*, const void*, const void*, const void*,
                               const void*, const void*, const void*, const void*, const void*, const void*,
                               const void*, const void*, const void*, const void*, const void*, void*, void*,
                               void*, void*);
typedef void(SHIM_CALL* VExternalDb)(const int*, void*, const int*, void*, const int*);
typedef void(SHIM_CALL* Umat)(void*, void*, void*, void*, void*, void*, void*, void*, void*, void*,
                              const void*, const void*, const void*, const void*, const void*, const void*,
                              const void*, const void*, const char*, const void*, const void*, const void*,
                              const void*, const void*, const void*, const void*, const void*, void*,
                              const void*, const void*, const void*, const void*, const void*, const void*,
                              const void*, const void*, const void*);
typedef void(SHIM_CALL* UExternalDb)(const int*, const int*, const void*, const void*, const int*,
                                     const int*);

#ifdef _WIN32
void* open_library(const char* path) { return (void*)LoadLibraryA(path); }
void* find_symbol(void* library, const char* name) { return (void*)GetProcAddress((HMODULE)library, name); }
// The program's own routines (xplb_exit and others) are not looked up there.
void* host_symbol(const char*) { return NULL; }
bool is_there(const char* path) { return GetFileAttributesA(path) != INVALID_FILE_ATTRIBUTES; }
const char* reason() { return "LoadLibrary refused it"; }
void program_name(char* text, unsigned size) { text[GetModuleFileNameA(NULL, text, size - 1)] = '\0'; }
const char separator[] = "\\";
const char explicit_double[] = "explicitU-D.dll", explicit_single[] = "explicitU.dll",
           standard[] = "standardU.dll";
#define ENTRY(lower, upper) upper
#else
void* open_library(const char* path) { return dlopen(path, RTLD_NOW | RTLD_LOCAL); }
void* find_symbol(void* library, const char* name) { return dlsym(library, name); }
void* host_symbol(const char* name) { return dlsym(RTLD_DEFAULT, name); }
bool is_there(const char* path) { return access(path, R_OK) == 0; }
const char* reason() {
  const char* text = dlerror();
  return text != NULL ? text : "unknown reason";
}
void program_name(char* text, unsigned size) {
  const long length = readlink("/proc/self/exe", text, size - 1);
  text[length > 0 ? length : 0] = '\0';
}
const char separator[] = "/";
const char explicit_double[] = "libexplicitU-D.so", explicit_single[] = "libexplicitU.so",
           standard[] = "libstandardU.so";
#define ENTRY(lower, upper) lower
#endif

bool contains(const char* text, const char* part) { return strstr(text, part) != NULL; }

// Standard error, the host's error routine, and the host's exit; returns in hosts without one.
void stop(const char* message) {
  fprintf(stderr, "pybridge: error: %s\n", message);
  fflush(stderr);
  const int stop_now = -3, integers[1] = {0};
  const double reals[1] = {0};
  const char characters[] = "        ";
  typedef void (*Report)(const int*, const char*, const int*, const double*, const char*, size_t, size_t);
  Report report = (Report)host_symbol("xplb_abqerr_");
  if (report == NULL) report = (Report)host_symbol("stdb_abqerr_");
  size_t length = strlen(message);
  if (length > 500) length = 500;
  if (report != NULL) report(&stop_now, message, integers, reals, characters, length, 8);
  void (*leave)(void) = (void (*)(void))host_symbol("xplb_exit_");
  if (leave == NULL) leave = (void (*)(void))host_symbol("xit_");
  if (leave != NULL) leave();
}

// File name of the library for this run of Abaqus/Explicit; null where its precision is not known.
const char* explicit_library() {
  const char* precision = getenv("PYBRIDGE_PRECISION");
  if (precision != NULL && strcmp(precision, "double") == 0) return explicit_double;
  if (precision != NULL && strcmp(precision, "single") == 0) return explicit_single;
  char program[1024];
  program_name(program, sizeof program);
  const char* name = program;
  for (const char* c = program; *c != '\0'; ++c)
    if (*c == '/' || *c == '\\') name = c + 1;
  if (contains(name, "_dp")) return explicit_double;
  if (contains(name, "explicit") || contains(name, "package")) return explicit_single;
  return NULL;
}

// The function of that name in pybridge's library; null after stop().
void* find_entry(const char* library, const char* symbol) {
  char message[2048], path[1280];
  if (library == NULL) {
    stop(
        "the precision of this run is not known: set the environment variable PYBRIDGE_PRECISION to single "
        "or "
        "double");
    return NULL;
  }
  const char* named = getenv("PYBRIDGE_ABAQUS_DIR");
  const char* folders[3] = {named != NULL ? named : "", ".", PYBRIDGE_DIR};
  for (int k = 0; k < 3; ++k) {
    if (folders[k][0] == '\0') continue;
    snprintf(path, sizeof path, "%s%s%s", folders[k], separator, library);
    if (!is_there(path)) continue;
    void* opened = open_library(path);
    void* entry = opened != NULL ? find_symbol(opened, symbol) : NULL;
    if (entry != NULL) return entry;
    snprintf(message, sizeof message, "%.900s cannot be used: %.900s", path, reason());
    stop(message);
    return NULL;
  }
  snprintf(message, sizeof message,
           "no %s in %.500s, the current folder or %.500s; set the environment variable PYBRIDGE_ABAQUS_DIR "
           "to the "
           "folder that `pybridge build abaqus` wrote",
           library, named != NULL ? named : "PYBRIDGE_ABAQUS_DIR (not set)", PYBRIDGE_DIR);
  stop(message);
  return NULL;
}

// Found at the first call; threads that come first together find the same address.
void* vumat_entry = NULL;
void* vexternaldb_entry = NULL;
void* umat_entry = NULL;
void* uexternaldb_entry = NULL;

void* entry_of(void** known, bool is_explicit, const char* symbol) {
  void* entry = *(void* volatile*)known;
  if (entry == NULL) {
    entry = find_entry(is_explicit ? explicit_library() : standard, symbol);
    *(void* volatile*)known = entry;
  }
  return entry;
}

}  // namespace

SHIM_EXPORT void SHIM_CALL FOR_NAME(vumat, VUMAT)(
    const int* nblock, const int* ndir, const int* nshr, const void* nstatev, const void* nfieldv,
    const void* nprops, const void* lanneal, const void* stepTime, const void* totalTime, void* dt,
    const char* cmname, const void* coordMp, const void* charLength, const void* props, const void* density,
    const void* strainInc, const void* relSpinInc, const void* tempOld, const void* stretchOld,
    const void* defgradOld, const void* fieldOld, const void* stressOld, const void* stateOld,
    const void* enerInternOld, const void* enerInelasOld, const void* tempNew, const void* stretchNew,
    const void* defgradNew, const void* fieldNew, void* stressNew, void* stateNew, void* enerInternNew,
    void* enerInelasNew) {
  const Vumat forward = (Vumat)entry_of(&vumat_entry, true, ENTRY("vumat_", "VUMAT"));
  if (forward == NULL) {  // all bits set is not a number in either precision
    memset(stressNew, 0xFF, sizeof(float) * (size_t)(*nblock) * (size_t)(*ndir + *nshr));
    return;
  }
  forward(nblock, ndir, nshr, nstatev, nfieldv, nprops, lanneal, stepTime, totalTime, dt, cmname, coordMp,
          charLength, props, density, strainInc, relSpinInc, tempOld, stretchOld, defgradOld, fieldOld,
          stressOld, stateOld, enerInternOld, enerInelasOld, tempNew, stretchNew, defgradNew, fieldNew,
          stressNew, stateNew, enerInternNew, enerInelasNew);
}

SHIM_EXPORT void SHIM_CALL FOR_NAME(vexternaldb, VEXTERNALDB)(const int* lOp, void* i_Array,
                                                              const int* niArray, void* r_Array,
                                                              const int* nrArray) {
  const VExternalDb forward =
      (VExternalDb)entry_of(&vexternaldb_entry, true, ENTRY("vexternaldb_", "VEXTERNALDB"));
  if (forward != NULL) forward(lOp, i_Array, niArray, r_Array, nrArray);
}

SHIM_EXPORT void SHIM_CALL FOR_NAME(umat, UMAT)(
    void* stress, void* statev, void* ddsdde, void* sse, void* spd, void* scd, void* rpl, void* ddsddt,
    void* drplde, void* drpldt, const void* stran, const void* dstran, const void* time, const void* dtime,
    const void* temp, const void* dtemp, const void* predef, const void* dpred, const char* cmname,
    const void* ndi, const void* nshr, const int* ntens, const void* nstatv, const void* props,
    const void* nprops, const void* coords, const void* drot, void* pnewdt, const void* celent,
    const void* dfgrd0, const void* dfgrd1, const void* noel, const void* npt, const void* layer,
    const void* kspt, const void* jstep, const void* kinc) {
  const Umat forward = (Umat)entry_of(&umat_entry, false, ENTRY("umat_", "UMAT"));
  if (forward == NULL) {
    memset(stress, 0xFF, sizeof(double) * (size_t)(*ntens));
    return;
  }
  forward(stress, statev, ddsdde, sse, spd, scd, rpl, ddsddt, drplde, drpldt, stran, dstran, time, dtime,
          temp, dtemp, predef, dpred, cmname, ndi, nshr, ntens, nstatv, props, nprops, coords, drot, pnewdt,
          celent, dfgrd0, dfgrd1, noel, npt, layer, kspt, jstep, kinc);
}

SHIM_EXPORT void SHIM_CALL FOR_NAME(uexternaldb, UEXTERNALDB)(const int* lop, const int* lrestart,
                                                              const void* time, const void* dtime,
                                                              const int* kstep, const int* kinc) {
  const UExternalDb forward =
      (UExternalDb)entry_of(&uexternaldb_entry, false, ENTRY("uexternaldb_", "UEXTERNALDB"));
  if (forward != NULL) forward(lop, lrestart, time, dtime, kstep, kinc);
}
