#include "network/network.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <string>

#include "core/status.h"
#include "network/scratch.h"

namespace pybridge {

Activation activation_from_name(const std::string& name) {
  const char* const names[] = {"linear", "relu", "tanh", "sigmoid", "selu", "silu"};
  for (int k = 0; k < 6; ++k)
    if (name == names[k]) return static_cast<Activation>(k);
  throw Error("activation \"" + name + "\": expected linear, relu, tanh, sigmoid, selu or silu");
}

template <class Real>
NetworkKernels<Real> network_kernels(Isa isa) {
  NetworkKernels<Real> kernels;
  switch (isa) {
    case Isa::avx512:
      isa_avx512::network_kernels(kernels);
      break;
    case Isa::avx2:
      isa_avx2::network_kernels(kernels);
      break;
    default:
      isa_baseline::network_kernels(kernels);
  }
  return kernels;
}

template <class Real>
void Network<Real>::Free::operator()(Real* p) const {
  ::operator delete(p, std::align_val_t{64});
}

template <class Real>
typename Network<Real>::Aligned Network<Real>::allocate(std::size_t count) {
  Aligned values(static_cast<Real*>(::operator new(count * sizeof(Real), std::align_val_t{64})));
  std::fill_n(values.get(), count, Real(0));
  return values;
}

namespace {

void check(const std::vector<DenseLayer>& layers) {
  if (layers.empty()) throw Error("network: expected at least one layer, got none");
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const DenseLayer& layer = layers[l];
    const std::string where = "network layer " + std::to_string(l);
    if (layer.inputs < 1 || layer.outputs < 1)
      throw Error(where + ": inputs and outputs must be at least 1, got " + std::to_string(layer.inputs) +
                  " and " + std::to_string(layer.outputs));
    if (l > 0 && layer.inputs != layers[l - 1].outputs)
      throw Error(where + ": takes " + std::to_string(layer.inputs) + " inputs, the layer before gives " +
                  std::to_string(layers[l - 1].outputs));
    const std::size_t outputs = static_cast<std::size_t>(layer.outputs);
    if (layer.weight.size() != outputs * static_cast<std::size_t>(layer.inputs) ||
        layer.bias.size() != outputs)
      throw Error(where + ": weight or bias does not have the size of its inputs and outputs");
  }
}

template <class Real>
Real narrowed(double value, std::size_t layer) {
  const Real result = static_cast<Real>(value);
  if (!std::isfinite(result))
    throw Error("network layer " + std::to_string(layer) +
                ": holds a number that is not finite in this precision");
  return result;
}

}  // namespace

template <class Real>
Network<Real>::Network(const std::vector<DenseLayer>& layers, Isa isa) {
  check(layers);
  if (!isa_supported(isa)) throw Error(std::string("network: this processor lacks ") + isa_name(isa));
  kernels_ = network_kernels<Real>(isa);
  inputs_ = layers.front().inputs;
  outputs_ = layers.back().outputs;
  width_ = inputs_;
  for (const DenseLayer& layer : layers) {
    pack(layer);
    width_ = std::max(width_, layer.outputs);
  }
}

template <class Real>
void Network<Real>::pack(const DenseLayer& layer) {
  const std::size_t panel = static_cast<std::size_t>(kernels_.panel), index = layers_.size();
  const std::size_t inputs = static_cast<std::size_t>(layer.inputs);
  const std::size_t outputs = static_cast<std::size_t>(layer.outputs);
  std::size_t padded = outputs;
  while (padded % panel != 0) ++padded;
  Aligned weight = allocate(padded * inputs), bias = allocate(padded);
  for (std::size_t o = 0; o < outputs; ++o) {
    bias[o] = narrowed<Real>(layer.bias[o], index);
    Real* column = weight.get() + o / panel * panel * inputs + o % panel;
    for (std::size_t i = 0; i < inputs; ++i)
      column[i * panel] = narrowed<Real>(layer.weight[o * inputs + i], index);
  }
  layers_.push_back({layer.inputs, layer.outputs, layer.activation, weight.get(), bias.get()});
  storage_.push_back(std::move(weight));
  storage_.push_back(std::move(bias));
}

template <class Real>
void Network<Real>::forward(int n, const Real* x, std::ptrdiff_t x_stride, Real* y,
                            std::ptrdiff_t y_stride) const {
  Real* scratch = thread_scratch<Real>(ScratchSlot::network, kernels_.scratch_size(width_));
  const PackedNetwork<Real> packed = {layers_.data(), static_cast<int>(layers_.size()), width_};
  for (int start = 0; start < n; start += network_chunk)
    kernels_.forward(packed, std::min(network_chunk, n - start), x + start, x_stride, y + start, y_stride,
                     scratch);
}

template <class Real>
void Network<Real>::forward_tangent(const TangentOf<Real>& of) const {
  Real* scratch = thread_scratch<Real>(ScratchSlot::network, kernels_.scratch_size(width_));
  const PackedNetwork<Real> packed = {layers_.data(), static_cast<int>(layers_.size()), width_};
  kernels_.forward_tangent(packed, of, scratch);
}

template NetworkKernels<float> network_kernels<float>(Isa);
template NetworkKernels<double> network_kernels<double>(Isa);
template class Network<float>;
template class Network<double>;

}  // namespace pybridge
