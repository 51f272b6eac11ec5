// Loops without branches, so that the compiler makes vector code of them: what is no number is found by the
// bits of its exponent, with additions alone, since SSE2 cannot compare whole numbers of 64 bits. Each
// point's arithmetic is the same in vector body and scalar tail.
#include <cstdint>
#include <cstring>

#include "core/point_loops.h"

namespace pybridge::PYBRIDGE_ISA {

namespace {

template <class Real>
struct Bits;
template <>
struct Bits<double> {
  using Type = std::uint64_t;
  static constexpr Type infinity = 0x7FF0000000000000u, exponent = 0x0010000000000000u;
};
template <>
struct Bits<float> {
  using Type = std::uint32_t;
  static constexpr Type infinity = 0x7F800000u, exponent = 0x00800000u;
};

template <class Real>
inline typename Bits<Real>::Type bits_of(Real value) {
  typename Bits<Real>::Type bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

// Words whose sign bit says that the number is not finite; or not positive or not finite. One added to the
// largest exponent carries into the sign; one taken from zero borrows from it.
template <class Real>
inline typename Bits<Real>::Type not_finite(Real value) {
  using B = Bits<Real>;
  return (bits_of(value) & B::infinity) + B::exponent;
}
template <class Real>
inline typename Bits<Real>::Type not_positive(Real value) {
  const auto bits = bits_of(value);
  return bits | (bits - 1) | (bits + Bits<Real>::exponent);
}
template <class Word>
inline bool sign(Word word) {
  return word >> (8 * sizeof(Word) - 1) != 0;
}

template <class Real, bool Flat>
bool sound_points(const PointKinematics<Real>& p) {
  constexpr int components = Flat ? 4 : 6;
  const int n = p.n;
  const Real *f = p.defgrad, *u = p.stretch;
  typename Bits<Real>::Type bad = 0;
  for (int i = 0; i < n; ++i) {
    const Real f11 = f[i], f22 = f[i + n], f33 = f[i + 2 * n], f12 = f[i + 3 * n];
    const Real f23 = Flat ? Real(0) : f[i + 4 * n], f31 = Flat ? Real(0) : f[i + 5 * n];
    const Real f21 = Flat ? f[i + 4 * n] : f[i + 6 * n];
    const Real f32 = Flat ? Real(0) : f[i + 7 * n], f13 = Flat ? Real(0) : f[i + 8 * n];
    const Real det =
        f11 * (f22 * f33 - f23 * f32) - f12 * (f21 * f33 - f23 * f31) + f13 * (f21 * f32 - f22 * f31);
    Real sum = 0;  // finite where every part is
    for (int c = 0; c < components; ++c) sum += u[i + c * n];
    bad |= not_positive(det) | not_positive(p.density[i]) | not_finite(sum);
  }
  return !sign(bad);
}

template <class Real, int Components>
bool energies_of(const PointEnergies<Real>& p) {
  const int n = p.n;
  const Real *e = p.strain_inc, *a = p.stress_old, *b = p.stress_new, *rho = p.density;
  const Real *dissipation = p.dissipation, *internal_old = p.internal_old, *inelastic_old = p.inelastic_old;
  Real* __restrict internal_new = p.internal_new;
  Real* __restrict inelastic_new = p.inelastic_new;
  const Real factor = p.to_deck_stress;
  typename Bits<Real>::Type bad = 0;
  // Nine arrays are more than the compiler proves apart at run time: without this it makes scalar code.
#pragma GCC ivdep
  for (int i = 0; i < n; ++i) {
    Real work = 0;  // mean stress times strain increment; shears count twice
    for (int c = 0; c < 3; ++c) work += (a[i + c * n] + b[i + c * n]) * e[i + c * n];
    work *= Real(0.5);
    for (int c = 3; c < Components; ++c) work += (a[i + c * n] + b[i + c * n]) * e[i + c * n];
    const Real volume = 1 / rho[i];  // divisions are most of this loop's cost
    const Real internal = internal_old[i] + work * volume;
    const Real inelastic = inelastic_old[i] + factor * dissipation[i] * volume;
    internal_new[i] = internal;
    inelastic_new[i] = inelastic;
    bad |= not_finite(internal) | not_finite(inelastic);
  }
  return !sign(bad);
}

template <class Real>
bool either_energies(const PointEnergies<Real>& p) {
  return p.components == 6 ? energies_of<Real, 6>(p) : energies_of<Real, 4>(p);
}

template <class Real>
bool either_sound(const PointKinematics<Real>& p) {
  return p.flat ? sound_points<Real, true>(p) : sound_points<Real, false>(p);
}

}  // namespace

bool sound(const PointKinematics<double>& points) { return either_sound(points); }
bool sound(const PointKinematics<float>& points) { return either_sound(points); }
bool energies(const PointEnergies<double>& points) { return either_energies(points); }
bool energies(const PointEnergies<float>& points) { return either_energies(points); }

}  // namespace pybridge::PYBRIDGE_ISA
