// A dense layer as data: y = activation(W x + b).
#pragma once

#include <string>
#include <vector>

namespace pybridge {

enum class Activation { linear, relu, tanh, sigmoid, selu, silu };

// From its name in a model file, lower case. Throws Error for any other name.
Activation activation_from_name(const std::string& name);

struct DenseLayer {
  int inputs = 0;
  int outputs = 0;
  Activation activation = Activation::linear;
  std::vector<double> weight;  // [outputs][inputs], row-major
  std::vector<double> bias;    // [outputs]
};

}  // namespace pybridge
