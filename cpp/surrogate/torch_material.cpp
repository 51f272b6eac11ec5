#include "surrogate/torch_material.h"

#include "surrogate/points.h"

namespace pybridge {

template <class Real>
TorchMaterial<Real>::TorchMaterial(const ModelFile& file) : FileMaterial<Real>(file) {
  char error[2048] = "";
  model_.reset(
      torch_library().open(file.path.c_str(), sizeof(Real), state_size(schema_), error, sizeof error));
  if (!model_) file.refuse(std::string("the TorchScript engine refused the graph: ") + error);
}

template <class Real>
void TorchMaterial<Real>::update(const Block<Real>& block) const noexcept {
  const pybridge_torch_block view = {block.n,           block.stride,      block.time_old,    block.dt,
                                     block.stretch_old, block.stretch_new, block.temperature, block.state_old,
                                     block.stress_new,  block.state_new,   block.status};
  char error[256];
  const bool done = torch_library().forward(model_.get(), &view, error, sizeof error) == 0;
  for (int i = 0; i < block.n; ++i) {
    if (done)
      finish(block, i);
    else
      keep_old(block, state_size(schema_), i, Status::failed_fatal);
  }
}

// Bad input and failures repeat the old values, whatever the graph answered there.
template <class Real>
void TorchMaterial<Real>::finish(const Block<Real>& block, int i) const {
  const int s = block.stride, states = state_size(schema_);
  Real old[6], strain[6];
  strain_at(block.stretch_old, s, i, old);
  strain_at(block.stretch_new, s, i, strain);
  if (!admissible(strain) || !admissible(old) || !all_finite(block.stress_new + i, s))
    return keep_old(block, states, i, Status::failed_fatal);
  const int status = block.status[i];
  if (status != static_cast<int>(Status::ok) && status != static_cast<int>(Status::unreliable))
    return keep_old(block, states, i,
                    status == static_cast<int>(Status::failed_recoverable) ? Status::failed_recoverable
                                                                           : Status::failed_fatal);
  block.dissipation_inc[i] = dissipation_at(block, i, moduli_);
}

template class TorchMaterial<double>;
template class TorchMaterial<float>;

}  // namespace pybridge
