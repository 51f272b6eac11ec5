// The only translation unit that sees libtorch.
#include "torch_engine/torch_engine.h"

#include <ATen/Parallel.h>
#include <torch/script.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

struct pybridge_torch_model {
  torch::jit::Module module;
  at::ScalarType real;
  int state_size;
};

namespace {

// at::set_num_threads is process-wide: the first call in sets one thread, the last one out restores.
class OneThread {
 public:
  OneThread() {
    const std::lock_guard<std::mutex> lock(guard());
    if (running()++ == 0) saved() = at::get_num_threads();
    at::set_num_threads(1);
  }
  ~OneThread() {
    const std::lock_guard<std::mutex> lock(guard());
    if (--running() == 0) at::set_num_threads(saved());
  }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  static std::mutex& guard() {
    static std::mutex mutex;
    return mutex;
  }
  static int& running() {
    static int count = 0;
    return count;
  }
  static int& saved() {
    static int threads = 1;
    return threads;
  }
};

void write_error(const char* text, char* error, size_t size) {
  if (size == 0) return;
  const std::string whole(text);
  const std::string first =
      whole.substr(0, whole.find("\nException raised from"));  // without libtorch's backtrace
  const size_t length = std::min(first.size(), size - 1);
  std::memcpy(error, first.data(), length);
  error[length] = '\0';
}

// Runs `body`; a C++ exception must not cross the C surface.
template <class Body>
bool guarded(char* error, size_t size, Body body) {
  try {
    body();
    return true;
  } catch (const std::exception& e) {
    write_error(e.what(), error, size);
  } catch (...) {
    write_error("unknown failure", error, size);
  }
  return false;
}

torch::jit::Module load(const char* path, at::ScalarType real) {
  torch::jit::Module module = torch::jit::load(path, at::kCPU);
  module.eval();
  module.to(real);
  return torch::jit::freeze(module);
}

at::Tensor view(const void* data, int rows, int n, int stride, at::ScalarType real) {
  return at::from_blob(const_cast<void*>(data), {rows, n}, {stride, 1}, at::TensorOptions(real));
}

void expect_shape(const at::Tensor& tensor, int rows, int n, const char* name) {
  TORCH_CHECK(tensor.dim() == 2 && tensor.size(0) == rows && tensor.size(1) == n, name, ": expected shape (",
              rows, ", ", n, "), got ", tensor.sizes());
}

void run(const pybridge_torch_model& model, const pybridge_torch_block& b) {
  const c10::InferenceMode inference;
  const OneThread one_thread;
  const auto in = [&](const void* data, int rows) { return view(data, rows, b.n, b.stride, model.real); };
  const at::Tensor state_old = model.state_size > 0 ? in(b.state_old, model.state_size)
                                                    : at::zeros({0, b.n}, at::TensorOptions(model.real));
  torch::jit::Module module = model.module;  // a reference; forward() is not const
  const auto answer = module
                          .forward({b.time_old, b.dt, in(b.stretch_old, 6), in(b.stretch_new, 6),
                                    in(b.temperature, 1).select(0, 0), state_old})
                          .toTuple();
  TORCH_CHECK(answer->elements().size() == 3, "forward: expected (stress, state, status)");
  const at::Tensor stress = answer->elements()[0].toTensor(), state = answer->elements()[1].toTensor();
  const at::Tensor status = answer->elements()[2].toTensor();
  expect_shape(stress, 6, b.n, "stress");
  expect_shape(state, model.state_size, b.n, "state");
  TORCH_CHECK(status.dim() == 1 && status.size(0) == b.n, "status: expected shape (", b.n, ",)");
  in(b.stress_new, 6).copy_(stress);
  if (model.state_size > 0) in(b.state_new, model.state_size).copy_(state);
  at::from_blob(b.status, {b.n}, at::TensorOptions(at::kInt)).copy_(status);
}

// The profiling executor compiles in its first two runs: have them here, on virgin material.
void warm_up(const pybridge_torch_model& model) {
  constexpr int n = 4;
  const auto options = at::TensorOptions(model.real);
  at::Tensor stretch = at::zeros({6, n}, options);
  stretch.slice(0, 0, 3).fill_(1);
  const at::Tensor temperature = at::zeros({n}, options);
  const at::Tensor state = at::zeros({std::max(model.state_size, 1), n}, options),
                   state_new = at::empty_like(state);
  const at::Tensor stress = at::empty({6, n}, options), status = at::empty({n}, at::TensorOptions(at::kInt));
  const pybridge_torch_block block = {n,
                                      n,
                                      0.0,
                                      0.0,
                                      stretch.data_ptr(),
                                      stretch.data_ptr(),
                                      temperature.data_ptr(),
                                      state.data_ptr(),
                                      stress.data_ptr(),
                                      state_new.data_ptr(),
                                      status.data_ptr<int>()};
  for (int i = 0; i < 3; ++i) run(model, block);
}

at::ScalarType real_type(int real_bytes) { return real_bytes == 8 ? at::kDouble : at::kFloat; }

pybridge_torch_model* open_model(const char* path, int real_bytes, int state_size, char* error, size_t size) {
  pybridge_torch_model* model = nullptr;
  const bool done = guarded(error, size, [&] {
    const OneThread one_thread;
    auto loaded = std::make_unique<pybridge_torch_model>();
    loaded->real = real_type(real_bytes);
    loaded->module = load(path, loaded->real);
    loaded->state_size = state_size;
    warm_up(*loaded);
    model = loaded.release();
  });
  return done ? model : nullptr;
}

int forward(const pybridge_torch_model* model, const pybridge_torch_block* block, char* error, size_t size) {
  return guarded(error, size, [&] { run(*model, *block); }) ? 0 : 1;
}

void close_model(pybridge_torch_model* model) { delete model; }

double cpu_seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double time_network(const char* path, int real_bytes, int points, int inputs, int outputs, const void* x,
                    void* y, int windows, int calls, char* error, size_t size) {
  double best = 1e300;
  const bool done = guarded(error, size, [&] {
    const c10::InferenceMode inference;
    const OneThread one_thread;
    const at::ScalarType real = real_type(real_bytes);
    torch::jit::Module plain = load(path, real);
    torch::jit::Module module = torch::jit::optimize_for_inference(plain);
    const std::vector<c10::IValue> in = {view(x, points, inputs, inputs, real)};
    at::Tensor answer;
    for (int i = 0; i < 20; ++i) answer = module.forward(in).toTensor();
    expect_shape(answer, points, outputs, "y");
    view(y, points, outputs, outputs, real).copy_(answer);
    for (int w = 0; w < windows; ++w) {
      const double start = cpu_seconds();
      for (int c = 0; c < calls; ++c) answer = module.forward(in).toTensor();
      best = std::min(best, (cpu_seconds() - start) / calls);
    }
  });
  return done ? best : -1.0;
}

}  // namespace

int pybridge_torch_entry(int abi, pybridge_torch_functions* functions) {
  if (abi != PYBRIDGE_TORCH_ABI) return 1;
  *functions = {&open_model, &forward, &close_model, &time_network};
  return 0;
}
