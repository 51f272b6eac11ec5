#include "umat_host.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "core/status.h"

namespace pybridge::abaqus {

namespace {

bool begins(const std::string& text, const char* prefix) {
  return text.compare(0, std::strlen(prefix), prefix) == 0;
}

std::string trimmed(const char* cmname) {
  std::string name(cmname, name_length);
  name.erase(std::min(name.find('\0'), name.size()));
  name.erase(name.find_last_not_of(' ') + 1);
  return name;
}

}  // namespace

HostMaterial host_material(const char* cmname) {
  HostMaterial result;
  result.host = ImplicitHost::abaqus;
  std::memcpy(result.name, cmname, name_length);
  if (cmname[0] != '@') return result;
  const std::string whole = trimmed(cmname);
  if (!begins(whole, "@ABAQUSNL_"))
    throw Error("material \"" + whole +
                "\": expected @ABAQUSNL_LIBRARY@NAME; CalculiX's small-strain interface @ABAQUS_ passes no "
                "deformation that a finite-strain material could use");
  const std::size_t at = whole.find('@', 1);
  std::string name = at == std::string::npos ? "" : whole.substr(at + 1);
  if (name.empty())
    throw Error("material \"" + whole +
                "\": expected @ABAQUSNL_LIBRARY@NAME, NAME a built-in law with hyphens for underscores "
                "(PYBRIDGE-J2) or a model file");
  if (begins(name, "PYBRIDGE-")) std::replace(name.begin(), name.end(), '-', '_');
  result.host = ImplicitHost::calculix;
  std::fill_n(result.name, name_length, ' ');
  std::copy(name.begin(), name.end(), result.name);
  return result;
}

}  // namespace pybridge::abaqus
