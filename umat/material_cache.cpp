#include "material_cache.h"

#include <atomic>
#include <cstring>
#include <map>
#include <mutex>
#include <tuple>

#include "core/registry.h"
#include "host_routines.h"
#include "laws/johnson_cook.h"
#include "model_files.h"

namespace pybridge::abaqus {

namespace {

// A list that only grows at its head, under `guard`; entries are never changed or freed, so that readers need
// no lock and forget_materials() may run beside them.
std::atomic<const DeckMaterial*> head{nullptr};
std::mutex guard;

using Surrogate = std::shared_ptr<const Material<Real>>;

// Loaded model files, shared by materials that differ in their constants only; under `guard`.
std::map<std::pair<std::string, Engine>, Surrogate>& surrogates() {
  static std::map<std::pair<std::string, Engine>, Surrogate> map;
  return map;
}

// Every entry ever made, forgotten ones too, since calls under way may use them; under `guard`. Never freed:
// other threads may still call while the process ends.
std::vector<std::unique_ptr<const DeckMaterial>>& all_entries() {
  static auto* const entries = new std::vector<std::unique_ptr<const DeckMaterial>>;
  return *entries;
}

// Length without the blanks at the end, eight of them at a time: this is part of every call's cost.
int trimmed_length(const char* name) {
  const void* end = std::memchr(name, '\0', name_length);
  std::size_t length =
      end == nullptr ? name_length : static_cast<std::size_t>(static_cast<const char*>(end) - name);
  while (length >= 8 && std::memcmp(name + length - 8, "        ", 8) == 0) length -= 8;
  while (length > 0 && name[length - 1] == ' ') --length;
  return static_cast<int>(length);
}

bool matches(const DeckMaterial& entry, const char* name, int length, const Real* props, int constants) {
  return entry.name.size() == static_cast<std::size_t>(length) &&
         std::memcmp(entry.name.data(), name, entry.name.size()) == 0 &&
         entry.props.size() == static_cast<std::size_t>(constants) &&
         (constants == 0 ||  // memcmp at a null pointer, though of no length, may cost 0.1 us
          std::memcmp(entry.props.data(), props, entry.props.size() * sizeof(Real)) == 0);
}

const DeckMaterial* look_up(const char* name, int length, const Real* props, int constants) {
  for (const DeckMaterial* entry = head.load(std::memory_order_acquire); entry != nullptr;
       entry = entry->next)
    if (matches(*entry, name, length, props, constants)) return entry;
  return nullptr;
}

Surrogate load_surrogate(const ModelFile& file) {
  Surrogate& known = surrogates()[{file.path, file.engine}];
  if (!known) known = load_model<Real>(file.path, file.engine);
  return known;
}

double positive_unit(const DeckMaterial& entry, std::size_t index, const char* what) {
  if (entry.props.size() <= index) return 1;
  const double value = static_cast<double>(entry.props[index]);
  if (value > 0 && value < 1e300) return value;
  throw Error("material \"" + entry.name + "\": constant " + std::to_string(index + 1) + ", " + what +
              ", must be positive, got " + std::to_string(value));
}

void read_surrogate_constants(DeckMaterial& entry) {
  if (entry.props.size() > 3)
    throw Error(
        "material \"" + entry.name +
        "\": a model file takes at most 3 constants (the deck's stress unit in Pa, its time unit in s, "
        "1 to stop where the model is unreliable), got " +
        std::to_string(entry.props.size()));
  entry.stress_unit = positive_unit(entry, 0, "the deck's stress unit in Pa");
  entry.time_unit = positive_unit(entry, 1, "the deck's time unit in s");
  if (entry.props.size() < 3) return;
  const Real flag = entry.props[2];
  if (flag != Real(0) && flag != Real(1))
    throw Error("material \"" + entry.name +
                "\": constant 3 must be 0 (flag unreliable points only) or 1 (stop), " + "got " +
                std::to_string(flag));
  entry.stop_when_unreliable = flag == Real(1);
}

std::unique_ptr<DeckMaterial> make(const std::string& name, const Real* props, int constants) {
  auto entry = std::make_unique<DeckMaterial>();
  entry->name = name;
  entry->props.assign(props, props + constants);
  if (name.empty()) throw Error("the material has no name; give *MATERIAL, NAME=...");
  if (is_built_in_law(name)) {
    entry->material = make_law<Real>(name, std::vector<double>(props, props + constants));
    if (const auto* law = dynamic_cast<const JohnsonCook<Real>*>(entry->material.get())) {
      entry->needs_density = law->is_adiabatic();
      entry->density = law->virgin_density();
    }
  } else {
    const ModelFile file = find_model_file(name);
    read_surrogate_constants(*entry);
    entry->material = load_surrogate(file);
  }
  entry->joint = dynamic_cast<const HasStretchTangent<Real>*>(entry->material.get());
  entry->states = state_size(entry->material->state_schema());
  return entry;
}

}  // namespace

const DeckMaterial& find_material(const char* name, const Real* props, int constants) {
  const int length = trimmed_length(name);
  if (const DeckMaterial* known = look_up(name, length, props, constants)) return *known;
  const HeldTraps held;
  const std::lock_guard<std::mutex> lock(guard);
  if (const DeckMaterial* known = look_up(name, length, props, constants)) return *known;
  std::unique_ptr<DeckMaterial> entry =
      make(std::string(name, static_cast<std::size_t>(length)), props, constants);
  entry->next = head.load(std::memory_order_relaxed);
  const DeckMaterial* published = entry.get();
  all_entries().push_back(std::move(entry));
  head.store(published, std::memory_order_release);
  return *published;
}

void preload(const std::string& name) {
  if (is_built_in_law(name)) return;
  const HeldTraps held;
  const ModelFile file = find_model_file_if_any(name);
  const std::lock_guard<std::mutex> lock(guard);
  if (!file.path.empty()) load_surrogate(file);
}

void forget_materials() {
  const std::lock_guard<std::mutex> lock(guard);
  head.store(nullptr, std::memory_order_release);
  surrogates().clear();
}

}  // namespace pybridge::abaqus
