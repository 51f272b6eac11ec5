/* The TorchScript engine's surface: plain C, so that libtorch stays behind it. */
#pragma once

#include <stddef.h>

#define PYBRIDGE_TORCH_ABI 1

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pybridge_torch_model pybridge_torch_model;

/* Arrays of `real_bytes` floats; component c of point i at [i + stride * c]. */
typedef struct {
  int n;
  int stride;
  double time_old;         /* s */
  double dt;               /* s */
  const void* stretch_old; /* in  [6] */
  const void* stretch_new; /* in  [6] */
  const void* temperature; /* in  [1] K */
  const void* state_old;   /* in  [state_size] */
  void* stress_new;        /* out [6] Pa */
  void* state_new;         /* out [state_size] */
  int* status;             /* out [1] */
} pybridge_torch_block;

/* Functions that can fail write a text into error[size], cut where needed. All may be called by many threads.
 */
typedef struct {
  /* A material's graph (docs/model_file.md), frozen and warmed up; null on failure. real_bytes: 4 or 8. */
  pybridge_torch_model* (*open)(const char* path, int real_bytes, int state_size, char* error, size_t size);
  /* 0 on success. Runs on the calling thread alone. */
  int (*forward)(const pybridge_torch_model* model, const pybridge_torch_block* block, char* error,
                 size_t size);
  void (*close)(pybridge_torch_model* model);
  /* For benchmarks: a plain network y = f(x), x (points, inputs) row-major; the smallest CPU time of one call
     over `windows` windows of `calls` calls, s; negative on failure. y (points, outputs) takes the answer. */
  double (*time_network)(const char* path, int real_bytes, int points, int inputs, int outputs, const void* x,
                         void* y, int windows, int calls, char* error, size_t size);
} pybridge_torch_functions;

/* Fills the table; 0 where `abi` is this library's PYBRIDGE_TORCH_ABI. */
__attribute__((visibility("default"))) int pybridge_torch_entry(int abi, pybridge_torch_functions* functions);

#ifdef __cplusplus
}
#endif
