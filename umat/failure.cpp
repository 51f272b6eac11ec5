#include "failure.h"

#include <cstdio>

namespace pybridge::abaqus {

std::string number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

void check_state_count(int given, const DeckMaterial& material) {
  const bool none_needed = material.states == 0 && given == 1;  // hosts that cannot have none
  if (given == material.states || none_needed) return;
  std::string list;
  int first = 1;
  for (const StateVariable& variable : material.material->state_schema()) {
    list += (list.empty() ? "" : ", ") + variable.name;
    if (variable.count > 1)
      list += " (" + std::to_string(first) + " to " + std::to_string(first + variable.count - 1) + ")";
    first += variable.count;
  }
  throw Error("material \"" + material.name + "\" needs *DEPVAR " + std::to_string(material.states) +
              ", got " + std::to_string(given) + "; its state variables: " + (list.empty() ? "none" : list));
}

std::string reason(double time_old, double dt, const DeckMaterial& material, Status status) {
  const Domain domain = material.material->domain();
  if (status == Status::unreliable)
    return "it left the domain the model was trained on (strain up to " + number(domain.strain_max) +
           ", rate up to " + number(domain.rate_max) +
           " 1/s), and constant 3 of the material asks to stop there; set it to 0 to go on with the points "
           "flagged, "
           "or train to larger strains";
  const double time = time_old + dt;
  if (time > domain.time_max)
    return "total time " + number(time) + " s is beyond the horizon of the model, " +
           number(domain.time_max) + " s; shorten the step, check the deck's time unit (constant 2), or " +
           "train to a longer horizon";
  if (status == Status::failed_recoverable)
    return "the material found no answer in this increment; reduce the time increment";
  return "the material has no answer: look for a destroyed element or an unstable time increment there";
}

}  // namespace pybridge::abaqus
