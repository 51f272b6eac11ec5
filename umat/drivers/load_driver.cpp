// A host under load: many threads call vumat_ with random blocks of two materials, the first calls of all
// together, and compare every answer with one thread's, bit for bit (pybridge verify threads, verify
// sanitizers).
//
//   load_driver reference LIBRARY FOLDER FILE                  one thread; writes its answers
//   load_driver threads LIBRARY FOLDER FILE THREADS CALLS SEED compares with them; CALLS a thread
//   load_driver abuse LIBRARY FOLDER                           calls that must fail with a text, and do no
//   harm
//
// FOLDER has the model file ROD.pt. Built with PYBRIDGE_LINKED the library is part of the program (LIBRARY:
// any word), which sanitizers need. The last line of standard output is JSON.
#include <dlfcn.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "under_load.h"

using Real = PYBRIDGE_REAL;

using Vumat = void (*)(const int*, const int*, const int*, const int*, const int*, const int*, const int*,
                       const Real*, const Real*, Real*, const char*, const Real*, const Real*, const Real*,
                       const Real*, const Real*, const Real*, const Real*, const Real*, const Real*,
                       const Real*, const Real*, const Real*, const Real*, const Real*, const Real*,
                       const Real*, const Real*, const Real*, Real*, Real*, Real*, Real*);
using Database = void (*)(const int*, int*, const int*, Real*, const int*);
using LastError = const char* (*)();
using SetHandler = void (*)(void (*)(const char*));
using UseModel = int (*)(const char*, const char*, const char*);

#ifdef PYBRIDGE_LINKED
extern "C" {
void vumat_(const int*, const int*, const int*, const int*, const int*, const int*, const int*, const Real*,
            const Real*, Real*, const char*, const Real*, const Real*, const Real*, const Real*, const Real*,
            const Real*, const Real*, const Real*, const Real*, const Real*, const Real*, const Real*,
            const Real*, const Real*, const Real*, const Real*, const Real*, const Real*, Real*, Real*, Real*,
            Real*);
void vexternaldb_(const int*, int*, const int*, Real*, const int*);
const char* pybridge_last_error();
void pybridge_set_error_handler(void (*)(const char*));
int pybridge_use_model(const char*, const char*, const char*);
}
#endif

namespace {

struct Library {
  Vumat vumat = nullptr;
  Database database = nullptr;
  LastError last_error = nullptr;
  SetHandler set_handler = nullptr;
  UseModel use_model = nullptr;
};

Library open_library(const char* path) {
  Library library;
#ifdef PYBRIDGE_LINKED
  (void)path;
  library = {vumat_, vexternaldb_, pybridge_last_error, pybridge_set_error_handler, pybridge_use_model};
#else
  void* opened = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (opened == nullptr) {
    std::fprintf(stderr, "%s\n", dlerror());
    std::exit(2);
  }
  library.vumat = reinterpret_cast<Vumat>(dlsym(opened, "vumat_"));
  library.database = reinterpret_cast<Database>(dlsym(opened, "vexternaldb_"));
  library.last_error = reinterpret_cast<LastError>(dlsym(opened, "pybridge_last_error"));
  library.set_handler = reinterpret_cast<SetHandler>(dlsym(opened, "pybridge_set_error_handler"));
  library.use_model = reinterpret_cast<UseModel>(dlsym(opened, "pybridge_use_model"));
#endif
  return library;
}

constexpr int points = 2000;  // of each material
constexpr int largest_block = 512;

std::size_t total(int components) { return static_cast<std::size_t>(components) * points; }

// The inputs of all points of one material, components one after the other.
struct Problem {
  char name[80];
  std::vector<Real> props;
  int states;
  std::vector<Real> strain, stretch_old, stretch_new, defgrad, stress, state, density;
};

Problem make_problem(const char* name, std::vector<Real> props, int states, unsigned seed) {
  Problem p;
  std::memset(p.name, ' ', sizeof p.name);
  std::memcpy(p.name, name, std::strlen(name));
  p.props = std::move(props);
  p.states = states;
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  p.strain.resize(total(6));
  p.stretch_old.assign(total(6), Real(0));
  p.defgrad.assign(total(9), Real(0));
  p.stress.resize(total(6));
  p.state.assign(total(states), Real(0));
  p.density.assign(points, Real(7800));
  for (Real& value : p.strain) value = static_cast<Real>(4e-3 * normal(random));
  for (Real& value : p.stress) value = static_cast<Real>(2e8 * normal(random));
  std::fill(p.stretch_old.begin(), p.stretch_old.begin() + 3 * points, Real(1));
  p.stretch_new = p.stretch_old;
  for (std::size_t k = 0; k < p.strain.size(); ++k) p.stretch_new[k] += p.strain[k];
  std::copy(p.stretch_new.begin(), p.stretch_new.end(), p.defgrad.begin());
  for (int i = 0; i < points; ++i)
    p.state[static_cast<std::size_t>(i)] = static_cast<Real>(1e-3 * i / points);
  return p;
}

std::vector<Problem> make_problems() {
  std::vector<Real> steel;
  for (const double value : {200e9, 0.3, 792e6, 510e6, 0.26, 1.03, 1793.0, 294.0, 0.014, 1.0, 477.0, 0.9})
    steel.push_back(static_cast<Real>(value));
  std::vector<Problem> problems;
  problems.push_back(make_problem("PYBRIDGE_JOHNSON_COOK_STEEL", steel, 3, 1));
  problems.push_back(make_problem("ROD", {Real(1), Real(1)}, 25, 2));
  return problems;
}

// Arrays of one call, as a host has them.
struct Call {
  std::vector<Real> strain, stretch_old, stretch_new, defgrad, stress, state, density, zeros;
  std::vector<Real> stress_new, state_new, internal_new, inelastic_new;
};

void gather(std::vector<Real>& to, const std::vector<Real>& from, int components, int first, int n) {
  to.resize(static_cast<std::size_t>(components) * static_cast<std::size_t>(n));
  for (int c = 0; c < components; ++c)
    std::memcpy(to.data() + c * n, from.data() + c * points + first,
                static_cast<std::size_t>(n) * sizeof(Real));
}

void run(const Library& library, const Problem& p, Call& a, int first, int n) {
  gather(a.strain, p.strain, 6, first, n);
  gather(a.stretch_old, p.stretch_old, 6, first, n);
  gather(a.stretch_new, p.stretch_new, 6, first, n);
  gather(a.defgrad, p.defgrad, 9, first, n);
  gather(a.stress, p.stress, 6, first, n);
  gather(a.state, p.state, p.states, first, n);
  gather(a.density, p.density, 1, first, n);
  const auto size = static_cast<std::size_t>(n);
  a.zeros.assign(size * 9, Real(0));
  a.stress_new.assign(size * 6, Real(-1));
  a.state_new.assign(size * static_cast<std::size_t>(p.states), Real(-1));
  a.internal_new.assign(size, Real(-1));
  a.inelastic_new.assign(size, Real(-1));
  const int direct = 3, shear = 3, fields = 0, constants = static_cast<int>(p.props.size()), anneal = 0;
  const Real step_time = Real(1.1e-6), total_time = Real(1.1e-6);
  Real dt = Real(1e-7);
  library.vumat(&n, &direct, &shear, &p.states, &fields, &constants, &anneal, &step_time, &total_time, &dt,
                p.name, a.zeros.data(), a.zeros.data(), p.props.data(), a.density.data(), a.strain.data(),
                a.zeros.data(), a.zeros.data(), a.stretch_old.data(), a.defgrad.data(), a.zeros.data(),
                a.stress.data(), a.state.data(), a.zeros.data(), a.zeros.data(), a.zeros.data(),
                a.stretch_new.data(), a.defgrad.data(), a.zeros.data(), a.stress_new.data(),
                a.state_new.data(), a.internal_new.data(), a.inelastic_new.data());
}

// Answers of all points of one material: stress, states, two energies, components one after the other.
std::size_t answer_size(const Problem& p) { return total(6 + p.states + 2); }

const std::vector<Real>* outputs(const Call& a, int k) {
  const std::vector<Real>* all[] = {&a.stress_new, &a.state_new, &a.internal_new, &a.inelastic_new};
  return all[k];
}

long differences(const Problem& p, const Call& a, const Real* expected, int first, int n) {
  const int components[] = {6, p.states, 1, 1};
  long different = 0;
  int row = 0;
  for (int k = 0; k < 4; ++k)
    for (int c = 0; c < components[k]; ++c, ++row)
      if (std::memcmp(outputs(a, k)->data() + c * n, expected + row * points + first,
                      static_cast<std::size_t>(n) * sizeof(Real)) != 0)
        ++different;
  return different;
}

int write_reference(const Library& library, const char* file) {
  std::ofstream out(file, std::ios::binary);
  for (const Problem& p : make_problems()) {
    Call a;
    run(library, p, a, 0, points);
    if (const char* text = library.last_error()) {
      std::fprintf(stderr, "%s\n", text);
      return 1;
    }
    for (int k = 0; k < 4; ++k)
      out.write(reinterpret_cast<const char*>(outputs(a, k)->data()),
                static_cast<std::streamsize>(outputs(a, k)->size() * sizeof(Real)));
  }
  return out.good() ? 0 : 1;
}

int run_threads(const Library& library, const char* file, int threads, long calls, unsigned seed) {
  const std::vector<Problem> problems = make_problems();
  std::vector<std::vector<Real>> expected;
  std::ifstream in(file, std::ios::binary);
  for (const Problem& p : problems) {
    expected.emplace_back(answer_size(p));
    in.read(reinterpret_cast<char*>(expected.back().data()),
            static_cast<std::streamsize>(expected.back().size() * sizeof(Real)));
  }
  if (!in.good()) return 2;
  std::atomic<long> different{0}, errors{0}, warm_kib{0}, done{0};
  Gate gate(threads);
  const auto work = [&](int thread) {
    std::mt19937_64 random(seed + static_cast<unsigned>(thread));
    Call a;
    gate.wait();  // nobody has loaded anything yet
    for (long k = 0; k < calls; ++k) {
      const int n = 1 + static_cast<int>(random() % largest_block);
      const int first = static_cast<int>(random() % static_cast<unsigned>(points - n + 1));
      const std::size_t which = random() % problems.size();
      run(library, problems[which], a, first, n);
      if (library.last_error() != nullptr) ++errors;
      different += differences(problems[which], a, expected[which].data(), first, n);
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

// Calls that must be refused: each leaves a text and a stress that is no number, or (element types) nothing.
int run_abuse(const Library& library, const std::string& folder) {
  std::vector<Problem> problems = make_problems();
  Call a;
  int refused = 0, expected = 0;
  const auto must_fail = [&](const char* what, const Problem& p) {
    ++expected;
    run(library, p, a, 0, 16);
    const char* text = library.last_error();
    if (text != nullptr && std::isnan(static_cast<double>(a.stress_new[0]))) return ++refused, void();
    std::fprintf(stderr, "not refused: %s\n", what);
  };
  const Problem steel = problems[0], rod = problems[1];
  Problem p = steel;
  p.states = 2;
  p.state.resize(total(2));
  must_fail("wrong DEPVAR", p);
  p = steel;
  p.props.resize(11);
  must_fail("too few constants", p);
  p = steel;
  p.props[2] = std::nan("");
  must_fail("a constant that is no number", p);
  p = steel;
  std::memset(p.name, 'X', 80);
  must_fail("no such material", p);
  p = steel;
  std::memset(p.name, '\xff', 80);
  must_fail("a name of bytes", p);
  p = steel;
  p.strain[5] = std::nan("");
  must_fail("a strain that is no number", p);
  p = steel;
  p.density[3] = 0;
  must_fail("density 0", p);
  p = steel;
  p.defgrad[7] = Real(-1);
  must_fail("an inverted element", p);
  p = rod;
  p.props = {Real(1), Real(1e6)};
  must_fail("beyond the horizon", p);
  p.props = {Real(-1)};
  must_fail("a negative unit", p);
  p.props = {Real(1), Real(1), Real(1), Real(1)};
  must_fail("too many constants", p);
  const char* engines[] = {"native", "nonsense"};
  for (const char* engine : engines) {
    ++expected;
    if (library.use_model("CUT", (folder + "/CUT.pt").c_str(), engine) != 0) ++refused;
  }
  --expected;  // the native engine looks at the file when it is first called
  p = rod;
  std::memset(p.name, ' ', 80);
  std::memcpy(p.name, "CUT", 3);
  must_fail("a truncated model file", p);
  // After all that, as before.
  run(library, steel, a, 0, 16);
  const bool sound = library.last_error() == nullptr && std::isfinite(static_cast<double>(a.stress_new[0]));
  for (int operation = -1; operation < 9; ++operation) {
    const int none = 0;
    int i = 0;
    Real r = 0;
    library.database(&operation, &i, &none, &r, &none);
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
  if (mode == "abuse") return run_abuse(library, words[3]);
  return 2;
}
