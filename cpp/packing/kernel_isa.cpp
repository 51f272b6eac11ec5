#include <immintrin.h>

#include "crystal/simd.h"
#include "packing/kernel.h"

// Pairs are taken in chunks: what they need is gathered from the grains; then vectors of pairs go through the
// law without branches (pairs apart have a cap of zero and so no force); then forces are added to the grains
// in the order of the pairs. No multiply-add is fused, so that every instruction set gives the same bits.
// Symbols: d branch vector from first to second, n unit normal, u overlap, ft tangential force on the second
// grain, arm r - u/2 from a centre to the contact.
namespace pybridge {
namespace PYBRIDGE_ISA {

namespace {

using V = Vec<double>;
constexpr int lanes = Simd<double>::lanes;
constexpr int chunk = 128;

struct alignas(64) Gathered {
  double d[3][chunk], v[3][chunk];         // branch, relative fluctuation
  double spin[3][chunk], rim[3][chunk];    // sums of spin and of radius x spin
  double turn[3][chunk];                   // spin of the first less that of the second
  double shear[3][chunk], roll[3][chunk];  // in and out: tangential force, rolling moment
  double f[3][chunk];                      // out: force on the second
  double t[3][chunk], half[chunk];         // out: tangential force (2D), n x ft (3D); u / 2
};

inline V at(const double* p) {
  V v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
inline void put(double* p, V v) { __builtin_memcpy(p, &v, sizeof v); }

inline V root(V x) {
#if defined(__AVX512F__) && PYBRIDGE_SIMD_BYTES == 64
  return reinterpret_cast<V>(_mm512_maskz_sqrt_pd(0xFF, reinterpret_cast<__m512d>(x)));
#elif defined(__AVX__) && PYBRIDGE_SIMD_BYTES == 32
  return reinterpret_cast<V>(_mm256_sqrt_pd(reinterpret_cast<__m256d>(x)));
#else
  return reinterpret_cast<V>(_mm_sqrt_pd(reinterpret_cast<__m128d>(x)));
#endif
}

// The larger of a, b; b where a is not a number, so that an exploded packing stays visible through n.
inline V larger(V a, V b) { return a > b ? a : b; }
inline V smaller(V a, V b) { return a < b ? a : b; }

template <int dim, bool roll>
inline void gather(const PackingStep& s, int begin, int n, Gathered& g) {
  constexpr int turns = dim == 2 ? 1 : 3;
  const int count = s.grains;
  for (int p = 0; p < n; ++p) {
    const int i = s.first[begin + p], j = s.second[begin + p];
    const double* shift = s.shift + 3 * s.image[begin + p];
    for (int c = 0; c < dim; ++c) {
      g.d[c][p] = s.position[j + count * c] - s.position[i + count * c] + shift[c];
      g.v[c][p] = s.velocity[j + count * c] - s.velocity[i + count * c];
    }
    const double ri = s.radius[i], rj = s.radius[j];
    for (int c = 0; c < turns; ++c) {
      const double a = s.spin[i + count * c], b = s.spin[j + count * c];
      g.spin[c][p] = a + b;
      g.rim[c][p] = ri * a + rj * b;
      if (roll) g.turn[c][p] = a - b;
    }
  }
  for (int c = 0; c < turns; ++c) {
    __builtin_memcpy(g.shear[c], s.shear + static_cast<long>(s.pairs) * c + begin, sizeof(double) * n);
    if (roll)
      __builtin_memcpy(g.roll[c], s.rolling + static_cast<long>(s.pairs) * c + begin, sizeof(double) * n);
  }
  // The lanes beyond the last pair: far apart, at rest.
  for (int p = n; p % lanes != 0; ++p) {
    for (int c = 0; c < 3; ++c)
      g.d[c][p] = g.v[c][p] = g.spin[c][p] = g.rim[c][p] = g.turn[c][p] = g.shear[c][p] = g.roll[c][p] = 0;
    g.d[0][p] = 1;
  }
}

template <bool hertz>
inline void normal_law(V normal, V tangential, V u, V& fn, V& kt) {
  if (hertz) {
    const V r = root(u);
    fn = normal * u * r;
    kt = tangential * r;
  } else {
    fn = normal * u;
    kt = tangential;
  }
}

template <bool hertz, bool roll>
inline void law_2d(const PackingStep& s, int begin, int n, Gathered& g) {
  const double l00 = s.l[0], l01 = s.l[1], l10 = s.l[3], l11 = s.l[4];
  const double dt = s.dt, mu = s.friction, mean_spin = 0.5 * (l10 - l01);
  const double rolling_friction = s.rolling_friction, rolling_stiffness = s.rolling_stiffness;
  for (int p = 0; p < n; p += lanes) {
    const V dx = at(g.d[0] + p), dy = at(g.d[1] + p);
    const V distance = root(dx * dx + dy * dy);
    const V inverse = 1 / distance;
    const V nx = dx * inverse, ny = dy * inverse;
    const V u = larger(at(s.reach + begin + p) - distance, V{});
    V fn, kt;
    normal_law<hertz>(at(s.normal + begin + p), at(s.tangential + begin + p), u, fn, kt);
    const V vx = at(g.v[0] + p) + (l00 * dx + l01 * dy), vy = at(g.v[1] + p) + (l10 * dx + l11 * dy);
    const V half = 0.5 * u;
    const V slide = vy * nx - vx * ny - (at(g.rim[0] + p) - half * at(g.spin[0] + p) + mean_spin * distance);
    const V cap = mu * fn;
    const V ft = larger(-cap, smaller(cap, at(g.shear[0] + p) - kt * (slide * dt)));
    put(g.shear[0] + p, ft);
    put(g.f[0] + p, fn * nx - ft * ny);
    put(g.f[1] + p, fn * ny + ft * nx);
    put(g.t[0] + p, ft);
    put(g.half + p, half);
    if (roll) {
      const V moment_cap = rolling_friction * at(s.least_radius + begin + p) * fn;
      const V stiffness = rolling_stiffness * at(s.product + begin + p) * kt;
      const V trial = at(g.roll[0] + p) - stiffness * (at(g.turn[0] + p) * dt);
      const V moment = larger(-moment_cap, smaller(moment_cap, trial));
      put(g.roll[0] + p, moment);
    }
  }
}

template <bool hertz, bool roll>
inline void law_3d(const PackingStep& s, int begin, int n, Gathered& g) {
  const double l0 = s.l[0], l1 = s.l[1], l2 = s.l[2], l3 = s.l[3], l4 = s.l[4], l5 = s.l[5], l6 = s.l[6],
               l7 = s.l[7], l8 = s.l[8];
  const double w0 = 0.5 * (l7 - l5), w1 = 0.5 * (l2 - l6), w2 = 0.5 * (l3 - l1);
  const double dt = s.dt, mu = s.friction;
  const double rolling_friction = s.rolling_friction, rolling_stiffness = s.rolling_stiffness;
  // Without a step the stored forces stand to the last bit: turning and capping them again would round.
  const bool still = dt == 0;
  const double project = still ? 0.0 : 1.0;
  const V one = fill(1.0), tiny = fill(1e-300);
  for (int p = 0; p < n; p += lanes) {
    const V d0 = at(g.d[0] + p), d1 = at(g.d[1] + p), d2 = at(g.d[2] + p);
    const V distance = root(d0 * d0 + d1 * d1 + d2 * d2);
    const V inverse = 1 / distance;
    const V n0 = d0 * inverse, n1 = d1 * inverse, n2 = d2 * inverse;
    const V u = larger(at(s.reach + begin + p) - distance, V{});
    V fn, kt;
    normal_law<hertz>(at(s.normal + begin + p), at(s.tangential + begin + p), u, fn, kt);
    const V half = 0.5 * u;
    // a = arm-weighted spin of both rims; slide = tangential part of v - a x n
    const V a0 = at(g.rim[0] + p) - half * at(g.spin[0] + p) + distance * w0;
    const V a1 = at(g.rim[1] + p) - half * at(g.spin[1] + p) + distance * w1;
    const V a2 = at(g.rim[2] + p) - half * at(g.spin[2] + p) + distance * w2;
    const V v0 = at(g.v[0] + p) + (l0 * d0 + l1 * d1 + l2 * d2);
    const V v1 = at(g.v[1] + p) + (l3 * d0 + l4 * d1 + l5 * d2);
    const V v2 = at(g.v[2] + p) + (l6 * d0 + l7 * d1 + l8 * d2);
    const V vn = v0 * n0 + v1 * n1 + v2 * n2;
    const V slide0 = v0 - vn * n0 - (a1 * n2 - a2 * n1);
    const V slide1 = v1 - vn * n1 - (a2 * n0 - a0 * n2);
    const V slide2 = v2 - vn * n2 - (a0 * n1 - a1 * n0);
    // The old force turns with the pair: about n by the mean spin, and into the new tangent plane.
    const V twist = dt * (0.5 * (n0 * at(g.spin[0] + p) + n1 * at(g.spin[1] + p) + n2 * at(g.spin[2] + p)) +
                          (n0 * w0 + n1 * w1 + n2 * w2));
    V f0 = at(g.shear[0] + p), f1 = at(g.shear[1] + p), f2 = at(g.shear[2] + p);
    const V fnn = project * (f0 * n0 + f1 * n1 + f2 * n2);
    const V c0 = n1 * f2 - n2 * f1, c1 = n2 * f0 - n0 * f2, c2 = n0 * f1 - n1 * f0;
    const V step = kt * dt;
    f0 += twist * c0 - fnn * n0 - step * slide0;
    f1 += twist * c1 - fnn * n1 - step * slide1;
    f2 += twist * c2 - fnn * n2 - step * slide2;
    const V cap = mu * fn;
    const V size = root(f0 * f0 + f1 * f1 + f2 * f2);
    const V scale = still ? one : cap / larger(larger(size, cap), tiny);
    f0 *= scale;
    f1 *= scale;
    f2 *= scale;
    put(g.shear[0] + p, f0);
    put(g.shear[1] + p, f1);
    put(g.shear[2] + p, f2);
    put(g.f[0] + p, fn * n0 + f0);
    put(g.f[1] + p, fn * n1 + f1);
    put(g.f[2] + p, fn * n2 + f2);
    put(g.t[0] + p, n1 * f2 - n2 * f1);
    put(g.t[1] + p, n2 * f0 - n0 * f2);
    put(g.t[2] + p, n0 * f1 - n1 * f0);
    put(g.half + p, half);
    if (roll) {
      // Rolling only: the part of the relative turn about n, twisting, has no stiffness.
      const V tn = at(g.turn[0] + p) * n0 + at(g.turn[1] + p) * n1 + at(g.turn[2] + p) * n2;
      const V stiffness = rolling_stiffness * at(s.product + begin + p) * step;
      V m0 = at(g.roll[0] + p), m1 = at(g.roll[1] + p), m2 = at(g.roll[2] + p);
      const V mn = project * (m0 * n0 + m1 * n1 + m2 * n2);
      const V e0 = n1 * m2 - n2 * m1, e1 = n2 * m0 - n0 * m2, e2 = n0 * m1 - n1 * m0;
      m0 += twist * e0 - mn * n0 - stiffness * (at(g.turn[0] + p) - tn * n0);
      m1 += twist * e1 - mn * n1 - stiffness * (at(g.turn[1] + p) - tn * n1);
      m2 += twist * e2 - mn * n2 - stiffness * (at(g.turn[2] + p) - tn * n2);
      const V moment_cap = rolling_friction * at(s.least_radius + begin + p) * fn;
      const V moment = root(m0 * m0 + m1 * m1 + m2 * m2);
      const V share = still ? one : moment_cap / larger(larger(moment, moment_cap), tiny);
      put(g.roll[0] + p, m0 * share);
      put(g.roll[1] + p, m1 * share);
      put(g.roll[2] + p, m2 * share);
    }
  }
}

template <int dim, bool roll>
inline void scatter(const PackingStep& s, int begin, int n, const Gathered& g) {
  constexpr int turns = dim == 2 ? 1 : 3;
  const int count = s.grains;
  double* __restrict force = s.force;
  double* __restrict torque = s.torque;
  if (s.dt > 0) {
    for (int c = 0; c < turns; ++c) {
      __builtin_memcpy(s.shear + static_cast<long>(s.pairs) * c + begin, g.shear[c], sizeof(double) * n);
      if (roll)
        __builtin_memcpy(s.rolling + static_cast<long>(s.pairs) * c + begin, g.roll[c], sizeof(double) * n);
    }
  }
  for (int p = 0; p < n; ++p) {
    const int i = s.first[begin + p], j = s.second[begin + p];
    for (int c = 0; c < dim; ++c) {
      force[i + count * c] -= g.f[c][p];
      force[j + count * c] += g.f[c][p];
    }
    const double arm_i = s.radius[i] - g.half[p], arm_j = s.radius[j] - g.half[p];
    for (int c = 0; c < turns; ++c) {
      const double m = roll ? g.roll[c][p] : 0.0;
      torque[i + count * c] += m - arm_i * g.t[c][p];
      torque[j + count * c] -= m + arm_j * g.t[c][p];
    }
  }
}

template <int dim, bool hertz, bool roll>
void forces(const PackingStep& s) {
  constexpr int turns = dim == 2 ? 1 : 3;
  for (int k = 0; k < dim * s.grains; ++k) s.force[k] = 0;
  for (int k = 0; k < turns * s.grains; ++k) s.torque[k] = 0;
  Gathered g;
  for (int begin = 0; begin < s.pairs; begin += chunk) {
    const int n = s.pairs - begin < chunk ? s.pairs - begin : chunk;
    gather<dim, roll>(s, begin, n, g);
    if (dim == 2)
      law_2d<hertz, roll>(s, begin, n, g);
    else
      law_3d<hertz, roll>(s, begin, n, g);
    scatter<dim, roll>(s, begin, n, g);
  }
}

// Cundall's damping: the acceleration is reduced where it speeds a grain up, raised where it slows it down.
inline double damped(double a, double v, double damping, double half_dt) {
  return a - a * __builtin_copysign(damping, a * (v + half_dt * a));
}

template <int dim>
double motion(const PackingStep& s) {
  const int count = s.grains;
  const double dt = s.dt, damping = s.damping, half_dt = 0.5 * dt;
  const double* l = s.l;
  // W w: the fluctuation turns with the mean field, so that a rotation of the whole changes nothing.
  const double w2 = 0.5 * (l[3] - l[1]), w1 = 0.5 * (l[2] - l[6]), w0 = 0.5 * (l[7] - l[5]);
  const double* __restrict inverse_mass = s.inverse_mass;
  const double* __restrict inverse_inertia = s.inverse_inertia;
  double far = 0;
  bool finite = true;
  double* __restrict x0 = s.position;
  double* __restrict x1 = s.position + count;
  double* __restrict v0 = s.velocity;
  double* __restrict v1 = s.velocity + count;
  double* __restrict m0 = s.moved;
  double* __restrict m1 = s.moved + count;
  double* __restrict spin = s.spin;
  const double* __restrict f0 = s.force;
  const double* __restrict f1 = s.force + count;
  const double* __restrict torque = s.torque;
  const double* move = s.move;
  double square[chunk];
  for (int begin = 0; begin < count; begin += chunk) {
    const int end = begin + chunk < count ? begin + chunk : count;
    if (dim == 2) {
      for (int i = begin; i < end; ++i) {
        const double a0 = damped(f0[i] * inverse_mass[i], v0[i], damping, half_dt) - w2 * v1[i];
        const double a1 = damped(f1[i] * inverse_mass[i], v1[i], damping, half_dt) + w2 * v0[i];
        v0[i] += dt * a0;
        v1[i] += dt * a1;
        spin[i] += dt * damped(torque[i] * inverse_inertia[i], spin[i], damping, half_dt);
        const double y0 = x0[i], y1 = x1[i], s0 = dt * v0[i], s1 = dt * v1[i];
        x0[i] = y0 + (move[0] * y0 + move[1] * y1 + s0);
        x1[i] = y1 + (move[3] * y0 + move[4] * y1 + s1);
        m0[i] += s0;
        m1[i] += s1;
        square[i - begin] = m0[i] * m0[i] + m1[i] * m1[i];
      }
    } else {
      double* __restrict x2 = s.position + 2 * count;
      double* __restrict v2 = s.velocity + 2 * count;
      double* __restrict m2 = s.moved + 2 * count;
      double* __restrict spin1 = s.spin + count;
      double* __restrict spin2 = s.spin + 2 * count;
      const double* __restrict f2 = s.force + 2 * count;
      const double* __restrict torque1 = s.torque + count;
      const double* __restrict torque2 = s.torque + 2 * count;
      for (int i = begin; i < end; ++i) {
        const double r = inverse_mass[i], q = inverse_inertia[i];
        const double u0 = v0[i], u1 = v1[i], u2 = v2[i];
        v0[i] = u0 + dt * (damped(f0[i] * r, u0, damping, half_dt) + (w1 * u2 - w2 * u1));
        v1[i] = u1 + dt * (damped(f1[i] * r, u1, damping, half_dt) + (w2 * u0 - w0 * u2));
        v2[i] = u2 + dt * (damped(f2[i] * r, u2, damping, half_dt) + (w0 * u1 - w1 * u0));
        const double p0 = spin[i], p1 = spin1[i], p2 = spin2[i];
        spin[i] = p0 + dt * (damped(torque[i] * q, p0, damping, half_dt) + (w1 * p2 - w2 * p1));
        spin1[i] = p1 + dt * (damped(torque1[i] * q, p1, damping, half_dt) + (w2 * p0 - w0 * p2));
        spin2[i] = p2 + dt * (damped(torque2[i] * q, p2, damping, half_dt) + (w0 * p1 - w1 * p0));
        const double y0 = x0[i], y1 = x1[i], y2 = x2[i];
        const double s0 = dt * v0[i], s1 = dt * v1[i], s2 = dt * v2[i];
        x0[i] = y0 + (move[0] * y0 + move[1] * y1 + move[2] * y2 + s0);
        x1[i] = y1 + (move[3] * y0 + move[4] * y1 + move[5] * y2 + s1);
        x2[i] = y2 + (move[6] * y0 + move[7] * y1 + move[8] * y2 + s2);
        m0[i] += s0;
        m1[i] += s1;
        m2[i] += s2;
        square[i - begin] = m0[i] * m0[i] + m1[i] * m1[i] + m2[i] * m2[i];
      }
    }
    for (int i = 0; i < end - begin; ++i) {
      if (square[i] > far) far = square[i];
      finite = finite && square[i] <= 1e300;
    }
  }
  return finite ? far : __builtin_inf();
}

template <int dim>
void forces_of(const PackingStep& s) {
  if (s.hertz)
    s.rolling_on ? forces<dim, true, true>(s) : forces<dim, true, false>(s);
  else
    s.rolling_on ? forces<dim, false, true>(s) : forces<dim, false, false>(s);
}

}  // namespace

void packing_forces(const PackingStep& s) { s.dim == 2 ? forces_of<2>(s) : forces_of<3>(s); }
double packing_motion(const PackingStep& s) { return s.dim == 2 ? motion<2>(s) : motion<3>(s); }

}  // namespace PYBRIDGE_ISA
}  // namespace pybridge
