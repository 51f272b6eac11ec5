"""Source of small VUMATs that are not pybridge's: one that is right, and some with one fault each."""

PROLOGUE = """
extern "C" void vumat_(const int* nblock, const int* ndir, const int* nshr, const int* nstatev, const int* nfieldv,
    const int* nprops, const int* lanneal, const REAL* stepTime, const REAL* totalTime, REAL* dt, const char* cmname,
    const REAL* coordMp, const REAL* charLength, const REAL* props, REAL* density, REAL* strainInc,
    const REAL* relSpinInc, const REAL* tempOld, const REAL* stretchOld, const REAL* defgradOld, const REAL* fieldOld,
    const REAL* stressOld, const REAL* stateOld, const REAL* enerInternOld, const REAL* enerInelasOld,
    const REAL* tempNew, const REAL* stretchNew, const REAL* defgradNew, const REAL* fieldNew, REAL* stressNew,
    REAL* stateNew, REAL* enerInternNew, REAL* enerInelasNew, unsigned long name_length) {
  const int n = *nblock;
  const REAL two_g = props[0] / (1 + props[1]), lam = two_g * props[1] / (1 - 2 * props[1]);
  for (int i = 0; i < n; ++i) {
    const REAL volume = strainInc[i] + strainInc[i + n] + strainInc[i + 2 * n];
    for (int c = 0; c < *ndir + *nshr; ++c)
      stressNew[i + c * n] = stressOld[i + c * n] + two_g * strainInc[i + c * n] + (c < *ndir ? lam * volume : 0);
    for (int c = 0; c < *nstatev; ++c) stateNew[i + c * n] = stateOld[i + c * n] + c + 1;
    enerInternNew[i] = enerInternOld[i] + 1;
    enerInelasNew[i] = enerInelasOld[i] + 2;
  }
"""


def elastic_vumat(real: str = "double", fault: str = "") -> str:
    """Linear elasticity; every state variable counts up by its number. `fault`: code run at the end of the call."""
    return f"typedef {real} REAL;\n" + PROLOGUE + fault + "\n}\n"
