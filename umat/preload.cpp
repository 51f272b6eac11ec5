#include "preload.h"

#include <cctype>
#include <fstream>
#include <string>

#include "host_routines.h"
#include "material_cache.h"
#include "model_files.h"

namespace pybridge::abaqus {

namespace {

// The name of a "*MATERIAL, NAME=..." line, or "".
std::string material_name(const std::string& line) {
  std::string keyword = upper(line);
  if (keyword.compare(0, 9, "*MATERIAL") != 0) return "";
  std::size_t begin = keyword.find("NAME");
  if (begin == std::string::npos) return "";
  begin = keyword.find('=', begin);
  if (begin == std::string::npos) return "";
  std::string name = keyword.substr(begin + 1, keyword.find(',', begin) - begin - 1);
  while (!name.empty() && std::isspace(static_cast<unsigned char>(name.back()))) name.pop_back();
  std::size_t start = 0;
  while (start < name.size() && (std::isspace(static_cast<unsigned char>(name[start])) || name[start] == '"'))
    ++start;
  if (!name.empty() && name.back() == '"') name.pop_back();
  return name.substr(start);
}

}  // namespace

void preload_models() {
  const std::string job = job_name();
  if (job.empty()) return;
  const std::string folder = job_directory();
  std::ifstream deck((folder.empty() ? std::string(".") : folder) + "/" + job + ".inp");
  for (std::string line; std::getline(deck, line);) {
    const std::string name = material_name(line);
    if (!name.empty()) preload(name);
  }
}

}  // namespace pybridge::abaqus
