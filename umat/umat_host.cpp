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

void read_host_material(const char* cmname, HostMaterial& material) {
  material.host = ImplicitHost::abaqus;
  material.name = cmname;
  if (cmname[0] != '@') return;
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
  material.host = ImplicitHost::calculix;
  material.name = material.own;
  std::fill_n(material.own, name_length, ' ');
  std::copy(name.begin(), name.end(), material.own);
}

}  // namespace pybridge::abaqus
