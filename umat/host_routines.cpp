#include "host_routines.h"

#include <dlfcn.h>

#include <atomic>
#include <cstdio>
#include <cstring>

#include "abaqus_names.h"

namespace pybridge::abaqus {

namespace {

using Handler = void (*)(const char*);
using AbqErr = void (*)(const int*, const char*, const int*, const Real*, const char*, std::size_t,
                        std::size_t);
using GetText = void (*)(char*, int*, std::size_t);

// Abaqus/Standard and Abaqus/Explicit name their routines differently.
#ifdef PYBRIDGE_STANDARD
constexpr const char report_routine[] = "stdb_abqerr_", exit_routine[] = "xit_";
constexpr const char folder_routine[] = "getoutdir_", job_routine[] = "getjobname_";
#else
constexpr const char report_routine[] = "xplb_abqerr_", exit_routine[] = "xplb_exit_";
constexpr const char folder_routine[] = "vgetoutdir_", job_routine[] = "vgetjobname_";
#endif

std::atomic<Handler> error_handler{nullptr};

std::string& last_error() {
  thread_local std::string text;
  return text;
}

template <class Function>
Function find(const char* symbol) {
  return reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, symbol));
}

// Abaqus takes at most 500 characters, in which a percent sign announces one of its arguments.
std::string as_abaqus_message(const std::string& message) {
  std::string text;
  for (const char c : message)
    text += c == '%' ? std::string("percent") : std::string(1, c == '\n' ? ' ' : c);
  return text.substr(0, 500);
}

void report_to_abaqus(const std::string& message) {
  const auto report = find<AbqErr>(report_routine);
  if (report == nullptr) return;
  const int stop_now = -3;
  const int integers[1] = {0};
  const Real reals[1] = {0};
  const char characters[8] = {' ', ' ', ' ', ' ', ' ', ' ', ' ', ' '};
  const std::string text = as_abaqus_message(message);
  report(&stop_now, text.c_str(), integers, reals, characters, text.size(), sizeof characters);
}

// A Fortran CHARACTER*256 filled by one of the host's routines.
std::string host_text(const char* symbol) {
  const auto get = find<GetText>(symbol);
  if (get == nullptr) return "";
  char text[256];
  std::memset(text, ' ', sizeof text);
  int length = 0;
  get(text, &length, sizeof text);
  if (length < 1 || length > static_cast<int>(sizeof text)) return "";
  return std::string(text, static_cast<std::size_t>(length));
}

}  // namespace

void clear_last_error() noexcept { last_error().clear(); }

void stop(const std::string& message) noexcept {
  try {
    last_error() = message;
    if (const Handler handler = error_handler.load()) {
      handler(last_error().c_str());
      return;
    }
    std::fprintf(stderr, "pybridge: error: %s\n", message.c_str());
    std::fflush(stderr);
    report_to_abaqus("pybridge: " + message);
    if (const auto leave = find<void (*)()>(exit_routine)) leave();
  } catch (...) {
    std::fputs("pybridge: error: out of memory while reporting an error\n", stderr);
  }
}

std::string job_directory() { return host_text(folder_routine); }

std::string job_name() { return host_text(job_routine); }

}  // namespace pybridge::abaqus

// The text of the calling thread's last call that failed, or null where its last call succeeded.
PYBRIDGE_EXPORT const char* pybridge_last_error() {
  const std::string& text = pybridge::abaqus::last_error();
  return text.empty() ? nullptr : text.c_str();
}

// From now on errors go to `handler` alone, on the thread of the call that failed, which then returns to its
// host; null restores the default.
PYBRIDGE_EXPORT void pybridge_set_error_handler(void (*handler)(const char*)) {
  pybridge::abaqus::error_handler.store(handler);
}

PYBRIDGE_EXPORT int pybridge_real_bytes() { return static_cast<int>(sizeof(pybridge::abaqus::Real)); }
