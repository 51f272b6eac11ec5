#include "core/point_loops.h"

namespace pybridge {

template <class Real>
bool kinematics_are_sound(const PointKinematics<Real>& points) {
  switch (active_isa()) {
    case Isa::avx512:
      return isa_avx512::sound(points);
    case Isa::avx2:
      return isa_avx2::sound(points);
    default:
      return isa_baseline::sound(points);
  }
}

template <class Real>
bool add_energies(const PointEnergies<Real>& points) {
  switch (active_isa()) {
    case Isa::avx512:
      return isa_avx512::energies(points);
    case Isa::avx2:
      return isa_avx2::energies(points);
    default:
      return isa_baseline::energies(points);
  }
}

template bool kinematics_are_sound<double>(const PointKinematics<double>&);
template bool kinematics_are_sound<float>(const PointKinematics<float>&);
template bool add_energies<double>(const PointEnergies<double>&);
template bool add_energies<float>(const PointEnergies<float>&);

}  // namespace pybridge
