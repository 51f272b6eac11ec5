#include "model_files.h"

#include <dirent.h>
#include <dlfcn.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>

#include "host_routines.h"
#include "material_cache.h"

namespace pybridge::abaqus {

namespace {

std::mutex bindings_guard;

// Files named through pybridge_use_model, by upper-case material name.
std::map<std::string, ModelFile>& bindings() {
  static std::map<std::string, ModelFile> map;
  return map;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Engine engine_from(const std::string& name, const std::string& source) {
  if (name.empty() || name == "native") return Engine::native;
  if (name == "torchscript") return Engine::torchscript;
  throw Error(source + ": expected native or torchscript, got \"" + name + "\"");
}

// Where `pybridge build abaqus` puts model files: beside the library.
std::string library_folder() {
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&library_folder), &info) == 0 || info.dli_fname == nullptr) return "";
  const std::string path = info.dli_fname;
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

std::vector<std::string> search_folders() {
  std::vector<std::string> folders;
  const auto add = [&folders](const std::string& folder) {
    if (!folder.empty() && std::find(folders.begin(), folders.end(), folder) == folders.end())
      folders.push_back(folder);
  };
  add(job_directory());
  add(".");
  const std::string path = environment("PYBRIDGE_MODEL_PATH");
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find(':', begin), path.size());
    add(path.substr(begin, end - begin));
    begin = end + 1;
  }
  add(library_folder());
  return folders;
}

std::vector<std::string> file_names(const std::string& folder) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(folder.c_str()), closedir);
  if (!directory) return names;
  while (const dirent* entry = readdir(directory.get())) names.emplace_back(entry->d_name);
  return names;
}

// NAME.pt in the folder as it is written, else in another case, "" if there is none; two that differ only in
// case are an Error, since the host has upper-cased the name.
std::string match_in(const std::string& folder, const std::string& name) {
  const std::string wanted = upper(name) + ".PT";
  std::vector<std::string> found;
  for (const std::string& file : file_names(folder))
    if (upper(file) == wanted) found.push_back(file);
  if (found.empty()) return "";
  std::sort(found.begin(), found.end());
  for (const std::string& file : found)
    if (file == name + ".pt") return folder + "/" + file;
  if (found.size() > 1)
    throw Error("material \"" + name + "\": \"" + found[0] + "\" and \"" + found[1] + "\" in " + folder +
                " differ only in case; keep one, or name it " + name + ".pt");
  return folder + "/" + found[0];
}

std::string list_of_laws() {
  std::string text;
  for (const LawDescription& law : built_in_laws()) text += (text.empty() ? "" : ", ") + law.name;
  return text;
}

}  // namespace

std::string upper(const std::string& text) {
  std::string result = text;
  for (char& c : result) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return result;
}

ModelFile find_model_file_if_any(const std::string& name) {
  {
    const std::lock_guard<std::mutex> lock(bindings_guard);
    const auto bound = bindings().find(upper(name));
    if (bound != bindings().end()) return bound->second;
  }
  const Engine engine = engine_from(environment("PYBRIDGE_ENGINE"), "environment variable PYBRIDGE_ENGINE");
  if (name.find('/') != std::string::npos) return {"", engine};
  for (const std::string& folder : search_folders()) {
    const std::string path = match_in(folder, name);
    if (!path.empty()) return {path, engine};
  }
  return {"", engine};
}

ModelFile find_model_file(const std::string& name) {
  ModelFile file = find_model_file_if_any(name);
  if (!file.path.empty()) return file;
  std::string folders;
  for (const std::string& folder : search_folders()) folders += (folders.empty() ? "" : ", ") + folder;
  throw Error("material \"" + name + "\": neither a built-in law (" + list_of_laws() +
              ") nor a model file: no " + name + ".pt in " + folders +
              "; put the file beside the job, or its folder in the environment variable PYBRIDGE_MODEL_PATH");
}

}  // namespace pybridge::abaqus

// Names the file and engine ("native", "torchscript", or "" for PYBRIDGE_ENGINE's) of a material, before any
// search; what was loaded under that name is not used again. Returns 0, or 1 with the reason in
// pybridge_last_error.
PYBRIDGE_EXPORT int pybridge_use_model(const char* name, const char* path, const char* engine) {
  using namespace pybridge::abaqus;
  clear_last_error();
  try {
    const std::string chosen = *engine != '\0' ? engine : environment("PYBRIDGE_ENGINE");
    const ModelFile file = {path, engine_from(chosen, "engine of material \"" + std::string(name) + "\"")};
    {
      const std::lock_guard<std::mutex> lock(bindings_guard);
      bindings()[upper(name)] = file;
    }
    forget_materials();
    return 0;
  } catch (const std::exception& error) {
    stop(error.what());
    return 1;
  }
}
