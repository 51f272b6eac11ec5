// The routines of Abaqus that a VUMAT may call, for strangers' VUMATs in pybridge's host, and the bracket
// around each call: what would end the process (xplb_exit, STOP, a bounds check of gfortran, a wild address)
// becomes an error of the call. Built as lib/libabaqus_routines.so and opened before a stranger's library
// (pybridge/host/library.py).
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>

#define HOST_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

enum Outcome { returned = 0, left = 1, stopped = 2, fault = 3 };

// One call under way on this thread.
struct Bracket {
  sigjmp_buf jump;
  int real_bytes;
  char* message;
  std::size_t size;
  Bracket* outer;
};

thread_local Bracket* current = nullptr;
thread_local char last_report[512];  // of xplb_abqerr, for an exit that follows it
alignas(16) thread_local char signal_stack[65536];

char job_name[256] = "job", job_folder[256] = ".";
std::atomic<int> cpus{1};
constexpr int mutexes = 100;
std::mutex locks[mutexes];

const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
struct sigaction before[4];

[[noreturn]] void leave(Outcome outcome, const char* text) {
  Bracket* bracket = current;
  if (bracket == nullptr) {
    std::fprintf(stderr, "%s\n", text);
    std::abort();
  }
  std::snprintf(bracket->message, bracket->size, "%s", text);
  siglongjmp(bracket->jump, outcome);
}

[[noreturn]] void leave_with(Outcome outcome, const char* what, const char* text, std::size_t length) {
  char message[600];
  std::snprintf(message, sizeof message, "%s%.*s", what, static_cast<int>(length < 500 ? length : 500), text);
  leave(outcome, message);
}

void on_signal(int number, siginfo_t* info, void*) {
  if (current == nullptr) {  // not in a stranger's call: as if this handler were not there
    for (int k = 0; k < 4; ++k)
      if (signals[k] == number) sigaction(number, &before[k], nullptr);
    return;
  }
  char message[200];
  if (number == SIGFPE)
    std::snprintf(message, sizeof message, "divided an integer by zero, or set floating-point traps");
  else
    std::snprintf(
        message, sizeof message,
        "used the address %p, which is not its own (an index far out of bounds, a stack too small for "
        "its local arrays, or the wrong number of arguments)",
        info->si_addr);
  leave(fault, message);
}

void watch_signals() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action;
    std::memset(&action, 0, sizeof action);
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    for (int k = 0; k < 4; ++k) sigaction(signals[k], &action, &before[k]);
  });
}

using Vumat = void (*)(void*, void*, void*, void*, void*, void*, void*, void*, void*, void*, void*, void*,
                       void*, void*, void*, void*, void*, void*, void*, void*, void*, void*, void*, void*,
                       void*, void*, void*, void*, void*, void*, void*, void*, void*, std::size_t);

void give_text(const char* value, char* text, int* length, std::size_t size) {
  std::memset(text, ' ', size);
  const std::size_t n = std::strlen(value) < size ? std::strlen(value) : size;
  std::memcpy(text, value, n);
  *length = static_cast<int>(n);
}

// A message of xplb_abqerr: %I, %R, %S take the next entry of its arrays.
void format(char* out, std::size_t size, const char* text, std::size_t length, const int* integers,
            const void* reals, const char* characters, std::size_t width, int real_bytes) {
  std::size_t n = 0;
  int i = 0, r = 0, s = 0;
  for (std::size_t k = 0; k < length && n + 1 < size; ++k) {
    const char kind = text[k] == '%' && k + 1 < length ? text[k + 1] : '\0';
    char piece[512];
    if (kind == 'I' || kind == 'i') {
      std::snprintf(piece, sizeof piece, "%d", integers[i++]);
    } else if (kind == 'R' || kind == 'r') {
      const double value = real_bytes == 8 ? static_cast<const double*>(reals)[r]
                                           : static_cast<double>(static_cast<const float*>(reals)[r]);
      ++r;
      std::snprintf(piece, sizeof piece, "%g", value);
    } else if (kind == 'S' || kind == 's') {
      std::snprintf(piece, sizeof piece, "%.*s", static_cast<int>(width < 500 ? width : 500),
                    characters + width * static_cast<std::size_t>(s++));
    } else {
      piece[0] = text[k];
      piece[1] = '\0';
      --k;
    }
    ++k;
    for (const char* c = piece; *c != '\0' && n + 1 < size; ++c) out[n++] = *c;
  }
  while (n > 0 && out[n - 1] == ' ') --n;
  out[n] = '\0';
}

}  // namespace

// Calls a VUMAT with its 33 addresses. 0: it returned. Otherwise `message` says why it did not: 1 it left
// through xplb_exit or a severe xplb_abqerr, 2 STOP or a check of gfortran, 3 a signal.
HOST_EXPORT int pybridge_bracketed_vumat(void* function, void** a, int real_bytes, char* message,
                                         std::size_t size) {
  watch_signals();
  stack_t own, previous;
  std::memset(&own, 0, sizeof own);
  own.ss_sp = signal_stack;
  own.ss_size = sizeof signal_stack;
  const bool swapped = sigaltstack(&own, &previous) == 0;
  Bracket bracket;
  bracket.real_bytes = real_bytes;
  bracket.message = message;
  bracket.size = size;
  bracket.outer = current;
  last_report[0] = '\0';
  const int outcome = sigsetjmp(bracket.jump, 1);
  if (outcome == returned) {
    current = &bracket;
    reinterpret_cast<Vumat>(function)(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10],
                                      a[11], a[12], a[13], a[14], a[15], a[16], a[17], a[18], a[19], a[20],
                                      a[21], a[22], a[23], a[24], a[25], a[26], a[27], a[28], a[29], a[30],
                                      a[31], a[32], 80);
  }
  current = bracket.outer;
  if (swapped) sigaltstack(&previous, nullptr);
  return outcome;
}

// What vgetjobname, vgetoutdir, vgetnumcpus and getnumthreads answer.
HOST_EXPORT void pybridge_set_job(const char* name, const char* folder, int threads) {
  std::snprintf(job_name, sizeof job_name, "%s", name);
  std::snprintf(job_folder, sizeof job_folder, "%s", folder);
  cpus.store(threads);
}

// --- Abaqus/Explicit
// ---------------------------------------------------------------------------------------------
HOST_EXPORT void xplb_abqerr_(const int* lop, const char* text, const int* integers, const void* reals,
                              const char* characters, std::size_t length, std::size_t width) {
  char message[1024];
  format(message, sizeof message, text, length, integers, reals, characters, width,
         current != nullptr ? current->real_bytes : 8);
  std::snprintf(last_report, sizeof last_report, "%.500s", message);
  if (*lop == -3) {
    char whole[600];
    std::snprintf(whole, sizeof whole, "reported a severe error: %.500s", message);
    leave(left, whole);
  }
  const char* kind = *lop == 1 ? "note" : *lop == -1 ? "warning" : "error";
  std::fprintf(stderr, "vumat: %s: %s\n", kind, message);
}

HOST_EXPORT void xplb_exit_() {
  char message[600];
  std::snprintf(message, sizeof message, "left through xplb_exit%s%.500s", last_report[0] ? ": " : "",
                last_report);
  leave(left, message);
}

HOST_EXPORT void vgetjobname_(char* text, int* length, std::size_t size) {
  give_text(job_name, text, length, size);
}
HOST_EXPORT void vgetoutdir_(char* text, int* length, std::size_t size) {
  give_text(job_folder, text, length, size);
}
HOST_EXPORT void vgetnumcpus_(int* number) { *number = 1; }  // processes of a parallel run
HOST_EXPORT void vgetrank_(int* rank) { *rank = 0; }
HOST_EXPORT int getnumthreads_() { return cpus.load(); }
HOST_EXPORT int get_thread_id_() {
  static std::atomic<int> next{0};
  thread_local const int mine = next++;
  return mine % (cpus.load() > 0 ? cpus.load() : 1);
}

HOST_EXPORT void mutexinit_(const int*) {}
HOST_EXPORT void mutexlock_(const int* id) { locks[static_cast<unsigned>(*id) % mutexes].lock(); }
HOST_EXPORT void mutexunlock_(const int* id) { locks[static_cast<unsigned>(*id) % mutexes].unlock(); }

// --- gfortran's ways out: found before those of libgfortran, because the library is linked first
// -------------------
HOST_EXPORT void _gfortran_stop_string(const char* text, std::size_t length, bool) {
  leave_with(stopped, "reached STOP ", text, length);
}
HOST_EXPORT void _gfortran_error_stop_string(const char* text, std::size_t length, bool) {
  leave_with(stopped, "reached ERROR STOP ", text, length);
}
HOST_EXPORT void _gfortran_stop_numeric(int code, bool) {
  char text[40];
  std::snprintf(text, sizeof text, "reached STOP %d", code);
  leave(stopped, text);
}
HOST_EXPORT void _gfortran_error_stop_numeric(int code, bool) {
  char text[40];
  std::snprintf(text, sizeof text, "reached ERROR STOP %d", code);
  leave(stopped, text);
}
HOST_EXPORT void _gfortran_exit_i4(const int32_t* code) {
  char text[40];
  std::snprintf(text, sizeof text, "called EXIT with %d", code != nullptr ? *code : 0);
  leave(stopped, text);
}
HOST_EXPORT void _gfortran_abort() { leave(stopped, "called ABORT"); }
HOST_EXPORT void _gfortran_runtime_error_at(const char* where, const char* text, ...) {
  char message[400], whole[600];
  va_list list;
  va_start(list, text);
  std::vsnprintf(message, sizeof message, text, list);
  va_end(list);
  std::snprintf(whole, sizeof whole, "broke a rule of Fortran: %.100s: %s", where, message);
  leave(stopped, whole);
}
