#include "surrogate/torch_library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "core/status.h"

namespace pybridge {

namespace {

const char file_name[] = "libpybridge_torch.so";

std::string folder_of_this_library() {
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&torch_library), &info) == 0 || info.dli_fname == nullptr) return "";
  const std::string path = info.dli_fname;
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

std::vector<std::string> candidates() {
  const char* wanted = std::getenv("PYBRIDGE_TORCH_ENGINE");
  if (wanted != nullptr && *wanted != '\0') return {wanted};
  const std::string folder = folder_of_this_library();
  return {folder + "lib/" + file_name, folder + file_name};
}

pybridge_torch_functions open_library() {
  std::string reasons;
  for (const std::string& path : candidates()) {
    // LOCAL and DEEPBIND: libtorch calls BLAS by interposable names, and must find its own before a host's.
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    if (library == nullptr) {
      reasons += std::string("\n  ") + dlerror();
      continue;
    }
    using Entry = int (*)(int, pybridge_torch_functions*);
    const Entry entry = reinterpret_cast<Entry>(dlsym(library, "pybridge_torch_entry"));
    pybridge_torch_functions functions{};
    if (entry != nullptr && entry(PYBRIDGE_TORCH_ABI, &functions) == 0) return functions;
    reasons += "\n  " + path + ": not the TorchScript engine of this version of pybridge";
  }
  throw Error(
      "the TorchScript engine cannot be loaded; install torch 2.13.0 and pybridge in the same environment, "
      "or set "
      "PYBRIDGE_TORCH_ENGINE to libpybridge_torch.so, or use the native engine:" +
      reasons);
}

}  // namespace

const pybridge_torch_functions& torch_library() {
  static const pybridge_torch_functions functions = open_library();  // tried again where it threw
  return functions;
}

}  // namespace pybridge
