// Kinds of surrogates that the native engine evaluates: one entry a kind.
#pragma once

#include <memory>

#include "core/material.h"
#include "model_file/model_file.h"

namespace pybridge {

// The native material of a model file. Throws Error where the kind is unknown or the tensors do not fit it.
template <class Real>
std::unique_ptr<const Material<Real>> make_native(const ModelFile& file);

}  // namespace pybridge
