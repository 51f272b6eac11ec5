// Built-in laws from their lists of constants. Each throws Error: wrong number of constants, one out of
// range.
#pragma once

#include <memory>
#include <vector>

#include "core/material.h"

namespace pybridge {

template <class Real>
using LawPointer = std::unique_ptr<const Material<Real>>;

// E, nu
template <class Real>
LawPointer<Real> make_elastic(const std::vector<double>& constants);

// E, nu, then pairs: yield stress, plastic strain
template <class Real>
LawPointer<Real> make_j2(const std::vector<double>& constants);

// E, nu, A, B, n, m, T_melt, T_transition, C, rate_0, specific heat, inelastic heat fraction, and
// optionally the density of the virgin material
template <class Real>
LawPointer<Real> make_johnson_cook(const std::vector<double>& constants);

}  // namespace pybridge
