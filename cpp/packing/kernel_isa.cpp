#include <immintrin.h>

#include "crystal/simd.h"
#include "packing/kernel.h"

// Pairs are taken in chunks: what they need is gathered from the grains; then vectors of pairs go through the
// law without branches (pairs apart have a cap of zero and so no force); then forces are added to the grains
// in the order of the pairs. No multiply-add is fused and the power is summed in eight parts whatever the
// width of a vector, so that every instruction set gives the same bits.
// Symbols: d branch vector from first to second, n unit normal, u overlap, ft tangential force on the second
// grain, arm r - u/2 from a centre to the contact.
namespace pybridge {
namespace PYBRIDGE_ISA {

namespace {

using V = Vec<double>;
using M = Mask<double>;
constexpr int lanes = Simd<double>::lanes;
typedef double Q __attribute__((vector_size(32)));  // a record of four
typedef long long QM __attribute__((vector_size(32)));
template <int dim>
constexpr int record = dim == 2 ? 8 : 16;  // numbers of a grain
constexpr int chunk = 128;

struct alignas(64) Gathered {
  // In: records of four. 2D: d v | spin rim - -.  3D: d - | v - | spin - | rim -. spin, rim: sums over the
  // pair. Out, in their place. 2D: f, torque on the first, on the second.  3D: f - | torque - | torque -;
  // negative.
  double a[4 * chunk], b[4 * chunk], c[4 * chunk], d[4 * chunk];
  double turn[4 * chunk];                  // spin of the first less that of the second
  double shear[3][chunk], roll[3][chunk];  // in and out: tangential force, rolling moment
  double power[8] = {};                    // sum of f.(l d), pair p in part p % 8
};

inline V at(const double* p) {
  V v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
inline void put(double* p, V v) { __builtin_memcpy(p, &v, sizeof v); }

inline Q atq(const double* p) {
  Q v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
inline void putq(double* p, Q v) { __builtin_memcpy(p, &v, sizeof v); }

#if PYBRIDGE_SIMD_BYTES == 32
inline void transposed(V a, V b, V c, V d, V out[4]) {
  const M even{0, 4, 2, 6}, odd{1, 5, 3, 7}, front{0, 1, 4, 5}, back{2, 3, 6, 7};
  const V ab = __builtin_shuffle(a, b, even), cd = __builtin_shuffle(c, d, even);
  const V ef = __builtin_shuffle(a, b, odd), gh = __builtin_shuffle(c, d, odd);
  out[0] = __builtin_shuffle(ab, cd, front);
  out[1] = __builtin_shuffle(ef, gh, front);
  out[2] = __builtin_shuffle(ab, cd, back);
  out[3] = __builtin_shuffle(ef, gh, back);
}
#endif

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

// Component k of `lanes` records of four that start at p.
inline void load4(const double* p, V out[4]) {
#if PYBRIDGE_SIMD_BYTES == 64
  const V a = at(p), b = at(p + 8), c = at(p + 16), d = at(p + 24);
  const M low{0, 4, 8, 12, 1, 5, 9, 13}, high{2, 6, 10, 14, 3, 7, 11, 15};
  const V ab = __builtin_shuffle(a, b, low), cd = __builtin_shuffle(c, d, low);
  const V ef = __builtin_shuffle(a, b, high), gh = __builtin_shuffle(c, d, high);
  const M front{0, 1, 2, 3, 8, 9, 10, 11}, back{4, 5, 6, 7, 12, 13, 14, 15};
  out[0] = __builtin_shuffle(ab, cd, front);
  out[1] = __builtin_shuffle(ab, cd, back);
  out[2] = __builtin_shuffle(ef, gh, front);
  out[3] = __builtin_shuffle(ef, gh, back);
#elif PYBRIDGE_SIMD_BYTES == 32
  transposed(at(p), at(p + 4), at(p + 8), at(p + 12), out);
#else
  const M first{0, 2}, second{1, 3};
  out[0] = __builtin_shuffle(at(p), at(p + 4), first);
  out[1] = __builtin_shuffle(at(p), at(p + 4), second);
  out[2] = __builtin_shuffle(at(p + 2), at(p + 6), first);
  out[3] = __builtin_shuffle(at(p + 2), at(p + 6), second);
#endif
}

// The reverse.
inline void put4(double* p, V a, V b, V c, V d) {
#if PYBRIDGE_SIMD_BYTES == 64
  const M low{0, 8, 1, 9, 2, 10, 3, 11}, high{4, 12, 5, 13, 6, 14, 7, 15};
  const V ab = __builtin_shuffle(a, b, low), cd = __builtin_shuffle(c, d, low);
  const V ef = __builtin_shuffle(a, b, high), gh = __builtin_shuffle(c, d, high);
  const M front{0, 1, 8, 9, 2, 3, 10, 11}, back{4, 5, 12, 13, 6, 7, 14, 15};
  put(p, __builtin_shuffle(ab, cd, front));
  put(p + 8, __builtin_shuffle(ab, cd, back));
  put(p + 16, __builtin_shuffle(ef, gh, front));
  put(p + 24, __builtin_shuffle(ef, gh, back));
#elif PYBRIDGE_SIMD_BYTES == 32
  V out[4];
  transposed(a, b, c, d, out);
  for (int k = 0; k < 4; ++k) put(p + 4 * k, out[k]);
#else
  const M first{0, 2}, second{1, 3};
  put(p, __builtin_shuffle(a, b, first));
  put(p + 2, __builtin_shuffle(c, d, first));
  put(p + 4, __builtin_shuffle(a, b, second));
  put(p + 6, __builtin_shuffle(c, d, second));
#endif
}

template <int dim, bool roll>
inline void gather(const PackingStep& s, int begin, int n, Gathered& g) {
  constexpr int turns = dim == 2 ? 1 : 3;
  for (int p = 0; p < n; ++p) {
    const double* i = s.grain + record<dim> * s.first[begin + p];
    const double* j = s.grain + record<dim> * s.second[begin + p];
    putq(g.a + 4 * p, (atq(j) - atq(i)) + atq(s.shift + 4 * s.image[begin + p]));
    if (dim == 2) {
      putq(g.b + 4 * p, atq(i + 4) + atq(j + 4));
      if (roll) putq(g.turn + 4 * p, atq(i + 4) - atq(j + 4));
    } else {
      putq(g.b + 4 * p, atq(j + 4) - atq(i + 4));
      putq(g.c + 4 * p, atq(i + 8) + atq(j + 8));
      putq(g.d + 4 * p, atq(i + 12) + atq(j + 12));
      if (roll) putq(g.turn + 4 * p, atq(i + 8) - atq(j + 8));
    }
  }
  for (int c = 0; c < turns; ++c) {
    __builtin_memcpy(g.shear[c], s.shear + static_cast<long>(s.pairs) * c + begin, sizeof(double) * n);
    if (roll)
      __builtin_memcpy(g.roll[c], s.rolling + static_cast<long>(s.pairs) * c + begin, sizeof(double) * n);
  }
  // The lanes beyond the last pair: far apart, at rest.
  for (int p = n; p % lanes != 0; ++p) {
    for (int k = 4 * p; k < 4 * p + 4; ++k) g.a[k] = g.b[k] = g.c[k] = g.d[k] = g.turn[k] = 0;
    g.a[4 * p] = 1;
    for (int c = 0; c < 3; ++c) g.shear[c][p] = g.roll[c][p] = 0;
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
    V pair[4], sum[4];
    load4(g.a + 4 * p, pair);
    load4(g.b + 4 * p, sum);
    const V dx = pair[0], dy = pair[1];
    const V distance = root(dx * dx + dy * dy);
    const V inverse = 1 / distance;
    const V nx = dx * inverse, ny = dy * inverse;
    const V u = larger(at(s.reach + begin + p) - distance, V{});
    V fn, kt;
    normal_law<hertz>(at(s.normal + begin + p), at(s.tangential + begin + p), u, fn, kt);
    const V mean_x = l00 * dx + l01 * dy, mean_y = l10 * dx + l11 * dy;
    const V vx = pair[2] + mean_x, vy = pair[3] + mean_y;
    const V half = 0.5 * u;
    const V slide = vy * nx - vx * ny - (sum[1] - half * sum[0] + mean_spin * distance);
    const V cap = mu * fn;
    const V ft = larger(-cap, smaller(cap, at(g.shear[0] + p) - kt * (slide * dt)));
    put(g.shear[0] + p, ft);
    const V arm = at(s.first_radius + begin + p) - half;
    V first = arm * ft, second = (distance - arm) * ft;
    if (roll) {
      const V moment_cap = rolling_friction * at(s.least_radius + begin + p) * fn;
      const V stiffness = rolling_stiffness * at(s.product + begin + p) * kt;
      V turn[4];
      load4(g.turn + 4 * p, turn);
      const V trial = at(g.roll[0] + p) - stiffness * (turn[0] * dt);
      const V moment = larger(-moment_cap, smaller(moment_cap, trial));
      put(g.roll[0] + p, moment);
      first -= moment;
      second += moment;
    }
    const V fx = fn * nx - ft * ny, fy = fn * ny + ft * nx;
    put(g.power + p % 8, at(g.power + p % 8) + (fx * mean_x + fy * mean_y));
    put4(g.a + 4 * p, fx, fy, first, second);
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
    V d[4], v[4], spin[4], rim[4];
    load4(g.a + 4 * p, d);
    load4(g.b + 4 * p, v);
    load4(g.c + 4 * p, spin);
    load4(g.d + 4 * p, rim);
    const V d0 = d[0], d1 = d[1], d2 = d[2];
    const V distance = root(d0 * d0 + d1 * d1 + d2 * d2);
    const V inverse = 1 / distance;
    const V n0 = d0 * inverse, n1 = d1 * inverse, n2 = d2 * inverse;
    const V u = larger(at(s.reach + begin + p) - distance, V{});
    V fn, kt;
    normal_law<hertz>(at(s.normal + begin + p), at(s.tangential + begin + p), u, fn, kt);
    const V half = 0.5 * u;
    // a = arm-weighted spin of both rims; slide = tangential part of v - a x n
    const V a0 = rim[0] - half * spin[0] + distance * w0;
    const V a1 = rim[1] - half * spin[1] + distance * w1;
    const V a2 = rim[2] - half * spin[2] + distance * w2;
    const V mean0 = l0 * d0 + l1 * d1 + l2 * d2;
    const V mean1 = l3 * d0 + l4 * d1 + l5 * d2;
    const V mean2 = l6 * d0 + l7 * d1 + l8 * d2;
    const V v0 = v[0] + mean0, v1 = v[1] + mean1, v2 = v[2] + mean2;
    const V vn = v0 * n0 + v1 * n1 + v2 * n2;
    const V slide0 = v0 - vn * n0 - (a1 * n2 - a2 * n1);
    const V slide1 = v1 - vn * n1 - (a2 * n0 - a0 * n2);
    const V slide2 = v2 - vn * n2 - (a0 * n1 - a1 * n0);
    // The old force turns with the pair: about n by the mean spin, and into the new tangent plane.
    const V twist = dt * (0.5 * (n0 * spin[0] + n1 * spin[1] + n2 * spin[2]) + (n0 * w0 + n1 * w1 + n2 * w2));
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
    const V arm = at(s.first_radius + begin + p) - half, other = distance - arm;
    const V g0 = n1 * f2 - n2 * f1, g1 = n2 * f0 - n0 * f2, g2 = n0 * f1 - n1 * f0;
    V first0 = arm * g0, first1 = arm * g1, first2 = arm * g2;
    V second0 = other * g0, second1 = other * g1, second2 = other * g2;
    if (roll) {
      // Rolling only: the part of the relative turn about n, twisting, has no stiffness.
      V turn[4];
      load4(g.turn + 4 * p, turn);
      const V tn = turn[0] * n0 + turn[1] * n1 + turn[2] * n2;
      const V stiffness = rolling_stiffness * at(s.product + begin + p) * step;
      V m0 = at(g.roll[0] + p), m1 = at(g.roll[1] + p), m2 = at(g.roll[2] + p);
      const V mn = project * (m0 * n0 + m1 * n1 + m2 * n2);
      const V e0 = n1 * m2 - n2 * m1, e1 = n2 * m0 - n0 * m2, e2 = n0 * m1 - n1 * m0;
      m0 += twist * e0 - mn * n0 - stiffness * (turn[0] - tn * n0);
      m1 += twist * e1 - mn * n1 - stiffness * (turn[1] - tn * n1);
      m2 += twist * e2 - mn * n2 - stiffness * (turn[2] - tn * n2);
      const V moment_cap = rolling_friction * at(s.least_radius + begin + p) * fn;
      const V moment = root(m0 * m0 + m1 * m1 + m2 * m2);
      const V share = still ? one : moment_cap / larger(larger(moment, moment_cap), tiny);
      m0 *= share;
      m1 *= share;
      m2 *= share;
      put(g.roll[0] + p, m0);
      put(g.roll[1] + p, m1);
      put(g.roll[2] + p, m2);
      first0 -= m0;
      first1 -= m1;
      first2 -= m2;
      second0 += m0;
      second1 += m1;
      second2 += m2;
    }
    const V t0 = fn * n0 + f0, t1 = fn * n1 + f1, t2 = fn * n2 + f2;
    put(g.power + p % 8, at(g.power + p % 8) + (t0 * mean0 + t1 * mean1 + t2 * mean2));
    put4(g.a + 4 * p, t0, t1, t2, V{});
    put4(g.b + 4 * p, first0, first1, first2, V{});
    put4(g.c + 4 * p, second0, second1, second2, V{});
  }
}

template <int dim, bool roll>
inline void scatter(const PackingStep& s, int begin, int n, const Gathered& g) {
  constexpr int turns = dim == 2 ? 1 : 3;
  if (s.dt > 0) {
    for (int c = 0; c < turns; ++c) {
      __builtin_memcpy(s.shear + static_cast<long>(s.pairs) * c + begin, g.shear[c], sizeof(double) * n);
      if (roll)
        __builtin_memcpy(s.rolling + static_cast<long>(s.pairs) * c + begin, g.roll[c], sizeof(double) * n);
    }
  }
  for (int p = 0; p < n; ++p) {
    double* i = s.load + record<dim> / 2 * s.first[begin + p];
    double* j = s.load + record<dim> / 2 * s.second[begin + p];
    const Q f = atq(g.a + 4 * p);
    putq(i, atq(i) - f);
    if (dim == 2) {
      putq(j, atq(j) + __builtin_shuffle(f, QM{0, 1, 3, 3}) * Q{1, 1, -1, 0});
    } else {
      putq(j, atq(j) + f);
      putq(i + 4, atq(i + 4) - atq(g.b + 4 * p));
      putq(j + 4, atq(j + 4) - atq(g.c + 4 * p));
    }
  }
}

template <int dim, bool hertz, bool roll>
double forces(const PackingStep& s) {
  for (int k = 0; k < record<dim> / 2 * s.grains; ++k) s.load[k] = 0;
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
  double power = 0;
  for (double part : g.power) power += part;
  return power;
}

// Cundall's damping: the acceleration is reduced where it speeds a grain up, raised where it slows it down.
inline Q damped(Q a, Q v, double damping, double half_dt) {
  const QM sign = reinterpret_cast<QM>(a * (v + half_dt * a)) & Simd<double>::sign_bit;
  return a - a * reinterpret_cast<Q>(sign | reinterpret_cast<QM>(Q{} + damping));
}

// W x v: the fluctuation turns with the mean field, so that a rotation of the whole changes nothing.
inline Q turned(Q v, Q up, Q down) {
  return up * __builtin_shuffle(v, QM{2, 0, 1, 3}) - down * __builtin_shuffle(v, QM{1, 2, 0, 3});
}

template <int dim>
double motion(const PackingStep& s) {
  const double dt = s.dt, damping = s.damping, half_dt = 0.5 * dt;
  const double* l = s.l;
  const double w2 = 0.5 * (l[3] - l[1]), w1 = 0.5 * (l[2] - l[6]), w0 = 0.5 * (l[7] - l[5]);
  const Q up{w1, w2, w0, 0}, down{w2, w0, w1, 0}, flat{-w2, w2, 0, 0};
  const Q c0{s.move[0], s.move[3], s.move[6], 0}, c1{s.move[1], s.move[4], s.move[7], 0},
      c2{s.move[2], s.move[5], s.move[8], 0};
  double far = 0;
  bool finite = true;
  for (int i = 0; i < s.grains; ++i) {
    double* g = s.grain + record<dim> * i;
    double* moved = s.moved + 4 * i;
    const double* load = s.load + record<dim> / 2 * i;
    const double* inverse = s.inverse + record<dim> / 2 * i;
    Q path;
    if (dim == 2) {
      const Q place = atq(g), turn = atq(g + 4);
      Q v = __builtin_shuffle(place, turn, QM{2, 3, 4, 7});  // w_x w_y spin 0
      v = v + dt * (damped(atq(load) * atq(inverse), v, damping, half_dt) +
                    flat * __builtin_shuffle(v, QM{1, 0, 2, 3}));
      path = dt * v * Q{1, 1, 0, 0};
      const Q x = place + (c0 * place[0] + c1 * place[1] + path);
      putq(g, __builtin_shuffle(x, v, QM{0, 1, 4, 5}));
      putq(g + 4, Q{v[2], turn[2] * v[2], turn[2], 0});
    } else {
      const Q place = atq(g);
      Q v = atq(g + 4), spin = atq(g + 8);
      v = v + dt * (damped(atq(load) * atq(inverse), v, damping, half_dt) + turned(v, up, down));
      spin = spin +
             dt * (damped(atq(load + 4) * atq(inverse + 4), spin, damping, half_dt) + turned(spin, up, down));
      path = dt * v;
      putq(g, place + (c0 * place[0] + c1 * place[1] + c2 * place[2] + path));
      putq(g + 4, v);
      putq(g + 8, spin);
      putq(g + 12, spin * place[3]);
    }
    const Q m = atq(moved) + path;
    putq(moved, m);
    const Q mm = m * m;
    const double square = mm[0] + mm[1] + mm[2];
    if (square > far) far = square;
    finite = finite && square <= 1e300;
  }
  return finite ? far : __builtin_inf();
}

template <int dim>
double forces_of(const PackingStep& s) {
  if (s.hertz) return s.rolling_on ? forces<dim, true, true>(s) : forces<dim, true, false>(s);
  return s.rolling_on ? forces<dim, false, true>(s) : forces<dim, false, false>(s);
}

}  // namespace

double packing_forces(const PackingStep& s) { return s.dim == 2 ? forces_of<2>(s) : forces_of<3>(s); }
double packing_motion(const PackingStep& s) { return s.dim == 2 ? motion<2>(s) : motion<3>(s); }

}  // namespace PYBRIDGE_ISA
}  // namespace pybridge
