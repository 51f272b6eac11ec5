// Fuzzing of the model reader and of what is built from a file (pybridge verify fuzz). With libFuzzer, or
// with the mutations below where there is none:  fuzz_model SEEDS COUNT SEED SECONDS FOUND
//
// The first byte of an input says how the rest is read: even, as an archive as it stands; odd, as a length (4
// bytes), a card and weights, from which an archive with right checksums is made: so that mutations reach
// what lies behind the checksums. What must hold, else the process aborts and the input is kept: the reader
// throws Error with a text, or gives finite tensors that fit their shapes; an archive as it stands gives the
// card and the numbers of a seed (of the folder FUZZ_SEEDS) or none; a material made of the file answers
// finite numbers or says that it failed.
#include <dirent.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "core/registry.h"
#include "core/status.h"
#include "model_file/model_file.h"
#include "model_file/sha256.h"

#ifdef PYBRIDGE_LIBFUZZER
#define FUZZ_MAIN 0
#else
#define FUZZ_MAIN 1
#endif

using Bytes = std::vector<unsigned char>;

namespace {

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz_model: %s\n", what);
  std::abort();
}

std::uint32_t crc32_of(const Bytes& bytes) {
  std::uint32_t crc = 0xFFFFFFFFu;
  for (const unsigned char b : bytes) {
    crc ^= b;
    for (int k = 0; k < 8; ++k) crc = crc & 1 ? 0xEDB88320u ^ (crc >> 1) : crc >> 1;
  }
  return ~crc;
}

void put(Bytes& out, std::uint32_t value, int bytes) {
  for (int k = 0; k < bytes; ++k) out.push_back(static_cast<unsigned char>(k < 4 ? value >> (8 * k) : 0));
}

void put_text(Bytes& out, const std::string& text) { out.insert(out.end(), text.begin(), text.end()); }

// A zip archive of two stored entries.
Bytes make_archive(const Bytes& card, const Bytes& weights) {
  const std::string names[] = {"m/extra/card.json", "m/extra/weights.bin"};
  const Bytes* contents[] = {&card, &weights};
  Bytes out, directory;
  for (int k = 0; k < 2; ++k) {
    const std::uint32_t crc = crc32_of(*contents[k]), size = static_cast<std::uint32_t>(contents[k]->size());
    const std::uint32_t offset = static_cast<std::uint32_t>(out.size());
    const std::uint32_t name = static_cast<std::uint32_t>(names[k].size());
    put(out, 0x04034b50u, 4), put(out, 20, 2), put(out, 0, 8), put(out, crc, 4), put(out, size, 4);
    put(out, size, 4), put(out, name, 2), put(out, 0, 2);
    put_text(out, names[k]);
    out.insert(out.end(), contents[k]->begin(), contents[k]->end());
    put(directory, 0x02014b50u, 4), put(directory, 20, 2), put(directory, 20, 2), put(directory, 0, 8);
    put(directory, crc, 4), put(directory, size, 4), put(directory, size, 4), put(directory, name, 2);
    put(directory, 0, 12), put(directory, offset, 4);
    put_text(directory, names[k]);
  }
  const std::uint32_t start = static_cast<std::uint32_t>(out.size());
  out.insert(out.end(), directory.begin(), directory.end());
  put(out, 0x06054b50u, 4), put(out, 0, 4), put(out, 2, 2), put(out, 2, 2);
  put(out, static_cast<std::uint32_t>(directory.size()), 4), put(out, start, 4), put(out, 0, 2);
  return out;
}

// The card with the sha256 that the weights have, where it states one.
void repair_hash(Bytes& card, const Bytes& weights) {
  const std::string key = "\"weights_sha256\": \"", text(card.begin(), card.end());
  const std::size_t at = text.find(key);
  if (at == std::string::npos || text.size() < at + key.size() + 64) return;
  const std::string hash = pybridge::sha256_hex(weights.data(), weights.size());
  std::memcpy(card.data() + at + key.size(), hash.data(), 64);
}

Bytes archive_of(const unsigned char* data, std::size_t size) {
  if (data[0] % 2 == 0) return Bytes(data + 1, data + size);
  if (size < 5) return {};
  std::uint32_t length;
  std::memcpy(&length, data + 1, 4);
  const std::size_t rest = size - 5;
  const std::size_t cut = length < rest ? length : rest;
  Bytes card(data + 5, data + 5 + cut);
  const Bytes weights(data + 5 + cut, data + size);
  repair_hash(card, weights);
  return make_archive(card, weights);
}

const std::string& file_path() {
  static int handle = memfd_create("fuzz", 0);
  static const std::string path = "/proc/self/fd/" + std::to_string(handle);
  return path;
}

void write_file(const Bytes& bytes) {
  static const int handle = std::atoi(file_path().substr(14).c_str());
  require(ftruncate(handle, 0) == 0, "ftruncate");
  require(pwrite(handle, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()), "pwrite");
}

// Card and numbers of a file in one text, to compare.
std::string content(const pybridge::ModelFile& file) {
  std::string text = file.kind + "|" + file.name;
  for (const pybridge::Tensor& tensor : file.tensors) {
    text += "|" + tensor.name + ":";
    text.append(reinterpret_cast<const char*>(tensor.values.data()), tensor.values.size() * sizeof(double));
  }
  return text;
}

void check_tensors(const pybridge::ModelFile& file) {
  for (const pybridge::Tensor& tensor : file.tensors) {
    double count = 1;
    for (const int extent : tensor.shape) count *= extent;
    require(count == static_cast<double>(tensor.values.size()), "a tensor does not fit its shape");
    for (const double value : tensor.values) require(std::isfinite(value), "a tensor holds no number");
  }
}

template <class Real>
void try_material() {
  std::unique_ptr<const pybridge::Material<Real>> material;
  try {
    material = pybridge::load_model<Real>(file_path(), pybridge::Engine::native);
  } catch (const pybridge::Error& error) {
    require(error.what()[0] != '\0', "an error without a text");
    return;
  }
  const int n = 3, states = pybridge::state_size(material->state_schema());
  require(states >= 0 && states < 1 << 20, "an absurd number of states");
  const pybridge::ElasticModuli moduli = material->elastic_moduli();
  require(std::isfinite(moduli.bulk) && std::isfinite(moduli.shear), "moduli that are no numbers");
  std::vector<Real> old(18, 0), next(18, 0), inc(18, 0), stress(18, 0), answer(18, 0), one(3, 1), work(3, 0);
  std::vector<Real> state(static_cast<std::size_t>(states * n), 0), state_new(state);
  std::vector<int> status(3, 0);
  for (int i = 0; i < 18; ++i) {
    old[static_cast<std::size_t>(i)] = i < 9 ? Real(1) : Real(0);
    inc[static_cast<std::size_t>(i)] = static_cast<Real>(0.003 * (i % 5 - 2));
    next[static_cast<std::size_t>(i)] = old[static_cast<std::size_t>(i)] + inc[static_cast<std::size_t>(i)];
  }
  pybridge::Block<Real> block;
  block.n = block.stride = n;
  block.time_old = 1e-7;
  block.dt = 1e-8;
  block.strain_inc = inc.data(), block.stretch_old = old.data(), block.stretch_new = next.data();
  block.temperature = one.data(), block.density = one.data(), block.stress_old = stress.data();
  block.state_old = state.data(), block.stress_new = answer.data(), block.state_new = state_new.data();
  block.dissipation_inc = work.data(), block.status = status.data();
  material->update(block);
  for (int i = 0; i < n; ++i) {
    const int how = status[static_cast<std::size_t>(i)];
    require(how >= 0 && how <= 3, "an unknown status");
    for (int c = 0; how < 2 && c < 6; ++c)
      require(std::isfinite(static_cast<double>(answer[static_cast<std::size_t>(i + n * c)])),
              "a stress that is no number was called good");
  }
}

std::vector<Bytes> read_seeds(const std::string& folder) {
  std::vector<Bytes> seeds;
  DIR* directory = opendir(folder.c_str());
  require(directory != nullptr, "no folder of seeds");
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] == '.') continue;
    std::ifstream in(folder + "/" + entry->d_name, std::ios::binary);
    const Bytes bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    if (!bytes.empty()) seeds.push_back(bytes);
  }
  closedir(directory);
  return seeds;
}

// What the archives in the folder FUZZ_SEEDS hold.
const std::vector<std::string>& seed_contents() {
  static const std::vector<std::string> contents = [] {
    std::vector<std::string> found;
    const char* folder = std::getenv("FUZZ_SEEDS");
    require(folder != nullptr, "FUZZ_SEEDS must name the folder of seeds");
    for (const Bytes& seed : read_seeds(folder)) {
      if (seed[0] % 2 != 0) continue;
      write_file(Bytes(seed.begin() + 1, seed.end()));
      found.push_back(content(pybridge::read_model_file(file_path())));
      pybridge::load_model<double>(file_path(), pybridge::Engine::native);  // a seed that is no model is none
    }
    require(!found.empty(), "no archive among the seeds");
    return found;
  }();
  return contents;
}

void examine(const unsigned char* data, std::size_t size) {
  if (size == 0) return;
  write_file(archive_of(data, size));
  try {
    const pybridge::ModelFile file = pybridge::read_model_file(file_path());
    check_tensors(file);
    if (data[0] % 2 == 0) {
      const std::vector<std::string>& seeds = seed_contents();
      require(std::find(seeds.begin(), seeds.end(), content(file)) != seeds.end(),
              "an altered archive was read as something else");
    }
  } catch (const pybridge::Error& error) {
    require(error.what()[0] != '\0', "an error without a text");
    return;
  }
  try_material<double>();
  try_material<float>();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  seed_contents();
  examine(data, size);
  return 0;
}

#if FUZZ_MAIN
namespace {

const char* const words[] = {
    "null",     "true",      "-1", "0",  "1e309", "1e-400",  "2147483648",       "4294967295",
    "-0.0",     "NaN",       "[]", "{}", "\"\"",  "\\u0000", "[[[[[[[[",         "\"f32\"",
    "\"f64\"",  "\"selu\"",  "}",  "]",  ",",     ":",       "9007199254740993", "18446744073709551616",
    "\xff\xfe", "PK\x05\x06"};

// One to eight changes: bits, bytes, numbers of 1 to 4 bytes, pieces removed, doubled, moved, swapped with
// another seed's, words of JSON.
Bytes mutate(const Bytes& seed, const std::vector<Bytes>& seeds, std::mt19937_64& random) {
  Bytes x = seed;
  const auto below = [&random](std::size_t n) { return n == 0 ? 0 : static_cast<std::size_t>(random() % n); };
  const std::size_t changes = 1 + below(8);
  for (std::size_t k = 0; k < changes && x.size() > 1; ++k) {
    const std::size_t at = 1 + below(x.size() - 1), length = 1 + below(below(2) ? 8 : 200);
    const std::size_t end = at + length < x.size() ? at + length : x.size();
    using Step = Bytes::difference_type;
    const auto place = [&x](std::size_t i) { return x.begin() + static_cast<Step>(i); };
    switch (below(9)) {
      case 0:
        x[at] ^= static_cast<unsigned char>(1u << below(8));
        break;
      case 1:
        x[at] = static_cast<unsigned char>(random());
        break;
      case 2: {
        const std::uint32_t values[] = {0,           1,           0x7FFFFFFFu, 0x80000000u,
                                        0xFFFFFFFFu, 0x7FF00000u, 0x7FC00000u, 65535};
        const std::uint32_t value = values[below(8)];
        for (std::size_t b = 0; b < 4 && at + b < x.size(); ++b)
          x[at + b] = static_cast<unsigned char>(value >> (8 * b));
        break;
      }
      case 3:
        x.erase(place(at), place(end));
        break;
      case 4: {
        const Bytes piece(place(at), place(end));
        x.insert(place(1 + below(x.size() - 1)), piece.begin(), piece.end());
        break;
      }
      case 5: {
        const Bytes& other = seeds[below(seeds.size())];
        const std::size_t from = below(other.size()),
                          stop = from + length < other.size() ? from + length : other.size();
        x.insert(place(at), other.begin() + static_cast<Step>(from), other.begin() + static_cast<Step>(stop));
        break;
      }
      case 6:
      case 7: {
        const std::string word = words[below(sizeof words / sizeof *words)];
        if (below(2)) x.erase(place(at), place(end));
        x.insert(place(at < x.size() ? at : x.size()), word.begin(), word.end());
        break;
      }
      default:
        x.resize(at + 1);
    }
  }
  return x;
}

// The input under examination, for the handler of a crash.
Bytes current;
std::string found_path;

void keep_input() {
  std::ofstream out(found_path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(current.data()), static_cast<std::streamsize>(current.size()));
}

void on_abort(int) {
  keep_input();
  std::_Exit(99);
}

}  // namespace

extern "C" void __sanitizer_set_death_callback(void (*)(void)) __attribute__((weak));

int main(int count, char** arguments) {
  require(count == 6, "usage: fuzz_model SEEDS COUNT SEED SECONDS FOUND");
  const std::vector<Bytes> seeds = read_seeds(arguments[1]);
  const long inputs = std::atol(arguments[2]);
  std::mt19937_64 random(static_cast<unsigned long>(std::atol(arguments[3])));
  const double limit = std::atof(arguments[4]);
  found_path = arguments[5];
  std::signal(SIGABRT, on_abort);
  std::signal(SIGALRM, on_abort);
  if (__sanitizer_set_death_callback) __sanitizer_set_death_callback(keep_input);
  long done = 0;
  const auto begun = std::chrono::steady_clock::now();
  for (const Bytes& seed : seeds) LLVMFuzzerTestOneInput(seed.data(), seed.size());
  for (; done < inputs; ++done) {
    if (done % 1000 == 0 &&
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count() > limit)
      break;
    current = mutate(seeds[random() % seeds.size()], seeds, random);
    alarm(20);  // an input that takes longer hangs
    LLVMFuzzerTestOneInput(current.data(), current.size());
  }
  std::printf("{\"inputs\": %ld}\n", done);
  return 0;
}
#endif
