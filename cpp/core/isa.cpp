#include "core/isa.h"

#include <cstdlib>

#include "core/status.h"

namespace pybridge {

const char* isa_name(Isa isa) {
  switch (isa) {
    case Isa::avx512:
      return "avx512";
    case Isa::avx2:
      return "avx2";
    default:
      return "baseline";
  }
}

bool isa_supported(Isa isa) {
  switch (isa) {
    case Isa::avx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
    case Isa::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    default:
      return true;
  }
}

namespace {

Isa choose() {
  const char* wanted = std::getenv("PYBRIDGE_ISA");
  for (Isa isa : {Isa::avx512, Isa::avx2, Isa::baseline}) {
    if (wanted == nullptr || *wanted == '\0') {
      if (isa_supported(isa)) return isa;
    } else if (std::string(wanted) == isa_name(isa)) {
      if (isa_supported(isa)) return isa;
      throw Error(std::string("PYBRIDGE_ISA=") + wanted +
                  ": this processor lacks these instructions; unset it");
    }
  }
  throw Error(std::string("PYBRIDGE_ISA=") + wanted + ": expected baseline, avx2 or avx512");
}

}  // namespace

Isa active_isa() {
  static const Isa isa = choose();
  return isa;
}

}  // namespace pybridge
