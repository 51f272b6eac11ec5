// Abaqus/Standard under load: many threads call umat_ for points of two materials chosen at random, the first
// calls of all together, and compare every answer, tangent included, with one thread's, bit for bit (pybridge
// verify threads, verify sanitizers).
//
//   umat_driver reference LIBRARY FOLDER FILE                  one thread; writes its answers
//   umat_driver threads LIBRARY FOLDER FILE THREADS CALLS SEED compares with them; CALLS a thread
//   umat_driver abuse LIBRARY FOLDER                           calls that must fail with a text, or ask for a
//                                                              smaller increment, and do no harm
//
// FOLDER has the model file ROD.pt. Built with PYBRIDGE_LINKED the library is part of the program (LIBRARY:
// any word), which sanitizers need. The last line of standard output is JSON.
#include <dlfcn.h>

#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "under_load.h"

using Umat = void (*)(double*, double*, double*, double*, double*, double*, double*, double*, double*,
                      double*, const double*, const double*, const double*, const double*, const double*,
                      const double*, const double*, const double*, const char*, const int*, const int*,
                      const int*, const int*, const double*, const int*, const double*, const double*,
                      double*, const double*, const double*, const double*, const int*, const int*,
                      const int*, const int*, const int*, const int*);
using Database = void (*)(const int*, const int*, const double*, const double*, const int*, const int*);
using LastError = const char* (*)();
using SetHandler = void (*)(void (*)(const char*));

#ifdef PYBRIDGE_LINKED
extern "C" {
void umat_(double*, double*, double*, double*, double*, double*, double*, double*, double*, double*,
           const double*, const double*, const double*, const double*, const double*, const double*,
           const double*, const double*, const char*, const int*, const int*, const int*, const int*,
           const double*, const int*, const double*, const double*, double*, const double*, const double*,
           const double*, const int*, const int*, const int*, const int*, const int*, const int*);
void uexternaldb_(const int*, const int*, const double*, const double*, const int*, const int*);
const char* pybridge_last_error();
void pybridge_set_error_handler(void (*)(const char*));
}
#endif

namespace {

struct Library {
  Umat umat = nullptr;
  Database database = nullptr;
  LastError last_error = nullptr;
  SetHandler set_handler = nullptr;
};

Library open_library(const char* path) {
  Library library;
#ifdef PYBRIDGE_LINKED
  (void)path;
  library = {umat_, uexternaldb_, pybridge_last_error, pybridge_set_error_handler};
#else
  void* opened = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (opened == nullptr) {
    std::fprintf(stderr, "%s\n", dlerror());
    std::exit(2);
  }
  library.umat = reinterpret_cast<Umat>(dlsym(opened, "umat_"));
  library.database = reinterpret_cast<Database>(dlsym(opened, "uexternaldb_"));
  library.last_error = reinterpret_cast<LastError>(dlsym(opened, "pybridge_last_error"));
  library.set_handler = reinterpret_cast<SetHandler>(dlsym(opened, "pybridge_set_error_handler"));
#endif
  return library;
}

constexpr int points = 400;  // of each material

struct Problem {
  char name[80];
  std::vector<double> props;
  int states;
};

std::vector<Problem> make_problems() {
  std::vector<Problem> problems = {
      {{}, {200e9, 0.3, 792e6, 510e6, 0.26, 1.03, 1793.0, 294.0, 0.014, 1.0, 477.0, 0.9, 7800.0}, 3},
      {{}, {1.0, 1.0}, 25}};
  const char* const names[] = {"PYBRIDGE_JOHNSON_COOK_STEEL", "ROD"};
  for (std::size_t k = 0; k < problems.size(); ++k) {
    std::memset(problems[k].name, ' ', sizeof problems[k].name);
    std::memcpy(problems[k].name, names[k], std::strlen(names[k]));
  }
  return problems;
}

// One call; every point has its own deformation, with rotation and shear.
struct Call {
  double defgrad_old[9], defgrad_new[9], turn[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  double time[2] = {1e-6, 1e-6}, dt = 1e-7;
  int direct = 3, shear = 3, components = 6;
  std::vector<double> out;  // stress 6, state, DDSDDE 36, SSE, SPD, SCD, PNEWDT
};

void deform(int point, std::size_t which, Call& a) {
  std::mt19937_64 random(static_cast<unsigned long>(point) * 2 + which);
  std::normal_distribution<double> normal;
  for (int k = 0; k < 9; ++k) {
    const double one = k % 4 == 0 ? 1.0 : 0.0, h = 4e-3 * normal(random);
    a.defgrad_old[k] = one + h;
    a.defgrad_new[k] = one + h + 2e-3 * normal(random);
  }
}

void run(const Library& library, const Problem& p, Call& a) {
  const std::size_t states = static_cast<std::size_t>(p.states);
  a.out.assign(6 + states + 36 + 4, 0.0);
  for (std::size_t c = 0; c < 6; ++c) a.out[c] = 1e8 * (static_cast<double>(c) - 2.5);
  double* const state = a.out.data() + 6;
  double* const tangent = state + states;
  double* const energies = tangent + 36;
  energies[3] = 1;
  double rpl = 0, ddsddt[6] = {}, drplde[6] = {}, drpldt = 0;
  const double zero[6] = {}, coords[3] = {}, length = 1;
  const int constants = static_cast<int>(p.props.size()), element = 7, one = 1, step[4] = {1, 1, 1, 0};
  library.umat(a.out.data(), state, tangent, energies, energies + 1, energies + 2, &rpl, ddsddt, drplde,
               &drpldt, zero, zero, a.time, &a.dt, zero, zero, zero, zero, p.name, &a.direct, &a.shear,
               &a.components, &p.states, p.props.data(), &constants, coords, a.turn, energies + 3, &length,
               a.defgrad_old, a.defgrad_new, &element, &one, &one, &one, step, &one);
}

using Answers = std::vector<std::vector<std::vector<double>>>;  // [material][point]

int write_reference(const Library& library, const char* file) {
  std::ofstream out(file, std::ios::binary);
  const std::vector<Problem> problems = make_problems();
  for (std::size_t which = 0; which < problems.size(); ++which)
    for (int point = 0; point < points; ++point) {
      Call a;
      deform(point, which, a);
      run(library, problems[which], a);
      if (const char* text = library.last_error()) {
        std::fprintf(stderr, "%s\n", text);
        return 1;
      }
      out.write(reinterpret_cast<const char*>(a.out.data()),
                static_cast<std::streamsize>(a.out.size() * sizeof(double)));
    }
  return out.good() ? 0 : 1;
}

Answers read_reference(const char* file, const std::vector<Problem>& problems) {
  Answers expected;
  std::ifstream in(file, std::ios::binary);
  for (const Problem& p : problems) {
    expected.emplace_back(points, std::vector<double>(static_cast<std::size_t>(6 + p.states + 36 + 4)));
    for (std::vector<double>& values : expected.back())
      in.read(reinterpret_cast<char*>(values.data()),
              static_cast<std::streamsize>(values.size() * sizeof(double)));
  }
  if (!in.good()) std::exit(2);
  return expected;
}

int run_threads(const Library& library, const char* file, int threads, long calls, unsigned seed) {
  const std::vector<Problem> problems = make_problems();
  const Answers expected = read_reference(file, problems);
  std::atomic<long> different{0}, errors{0}, warm_kib{0}, done{0};
  Gate gate(threads);
  const auto work = [&](int thread) {
    std::mt19937_64 random(seed + static_cast<unsigned>(thread));
    Call a;
    gate.wait();  // nobody has loaded anything yet
    for (long k = 0; k < calls; ++k) {
      const int point = static_cast<int>(random() % points);
      const std::size_t which = random() % problems.size();
      deform(point, which, a);
      run(library, problems[which], a);
      if (library.last_error() != nullptr) ++errors;
      const std::vector<double>& answer = expected[which][static_cast<std::size_t>(point)];
      different += std::memcmp(a.out.data(), answer.data(), answer.size() * sizeof(double)) != 0;
      if (++done == threads * calls / 2) warm_kib = resident_kib();
    }
  };
  std::vector<std::thread> pool;
  for (int t = 0; t < threads; ++t) pool.emplace_back(work, t);
  for (std::thread& t : pool) t.join();
  const long growth = warm_kib > 0 ? resident_kib() - warm_kib : 0;
  std::printf("{\"calls\": %ld, \"different\": %ld, \"errors\": %ld, \"growth_kib\": %ld}\n", done.load(),
              different.load(), errors.load(), growth);
  return 0;
}

// Calls that must be refused with a text and a stress that is no number, and one that a smaller increment
// helps.
int run_abuse(const Library& library) {
  const std::vector<Problem> problems = make_problems();
  const Problem steel = problems[0], rod = problems[1];
  int refused = 0, expected = 0;
  Call a;
  const auto must_fail = [&](const char* what, const Problem& p, bool writes = true) {
    ++expected;
    run(library, p, a);
    const bool no_number = std::isnan(a.out[0]);
    if (library.last_error() != nullptr && no_number == writes) return ++refused, void();
    std::fprintf(stderr, "not refused: %s\n", what);
  };
  const auto fresh = [&a] {
    a = Call();
    deform(3, 0, a);
  };
  fresh();
  Problem p = steel;
  p.states = 2;
  must_fail("wrong DEPVAR", p);
  p = steel;
  p.props.resize(11);
  must_fail("too few constants", p);
  p = steel;
  p.props.resize(12);
  must_fail("heat without a density", p);
  p = steel;
  std::memset(p.name, '\xff', sizeof p.name);
  must_fail("a name of bytes", p);
  std::memset(p.name, 'X', sizeof p.name);
  must_fail("no such material", p);
  p = rod;
  std::memset(p.name, ' ', sizeof p.name);
  std::memcpy(p.name, "CUT", 3);
  must_fail("a truncated model file", p);
  p = rod;
  p.props = {1, 1e6};
  must_fail("beyond the horizon", p);
  a.defgrad_old[0] = -1;
  must_fail("an inverted start", steel);
  fresh();
  a.components = 3, a.direct = 2, a.shear = 1;
  must_fail("plane stress", steel);
  fresh();
  a.components = 7, a.shear = 4;
  must_fail("seven components", steel, false);
  fresh();
  ++expected;
  a.defgrad_new[4] = std::nan("");
  run(library, steel, a);
  const double asked = a.out.back();
  if (library.last_error() == nullptr && asked == 0.25 && std::isfinite(a.out[0])) ++refused;
  // After all that, as before.
  fresh();
  run(library, steel, a);
  const bool sound = library.last_error() == nullptr && std::isfinite(a.out[0]) && a.out.back() == 1;
  for (int operation = -1; operation < 9; ++operation) {
    const int none = 0;
    const double time[2] = {};
    library.database(&operation, &none, time, time, &none, &none);
  }
  std::printf("{\"expected\": %d, \"refused\": %d, \"sound\": %s}\n", expected, refused,
              sound ? "true" : "false");
  return 0;
}

}  // namespace

int main(int count, char** words) {
  if (count < 4) return 2;
  if (chdir(words[3]) != 0) return 2;  // model files are looked for in the current folder
  const Library library = open_library(words[2]);
  library.set_handler(keep_quiet);
  const std::string mode = words[1];
  if (mode == "reference" && count == 5) return write_reference(library, words[4]);
  if (mode == "threads" && count == 8)
    return run_threads(library, words[4], std::atoi(words[5]), std::atol(words[6]),
                       static_cast<unsigned>(std::atol(words[7])));
  if (mode == "abuse") return run_abuse(library);
  return 2;
}
