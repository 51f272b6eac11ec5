// What the host offers besides the call: stopping, messages, names of the job. All looked up at run time, so
// that the library loads in hosts that lack them.
#pragma once

#include <cfenv>
#include <string>
#include <vector>

namespace pybridge::abaqus {

// Reports a fatal error. The registered handler gets it where there is one; otherwise it goes to standard
// error and to xplb_abqerr_ or stdb_abqerr_, and the host's own xplb_exit_ or xit_ is called. May return, in
// hosts without them.
void stop(const std::string& message) noexcept;

// Forgets the calling thread's last error; called on entry.
void clear_last_error() noexcept;

// Folder of the job's output (vgetoutdir_, getoutdir_), or "" where the host does not tell.
std::string job_directory();

// Name of the job (vgetjobname_, getjobname_), or "".
std::string job_name();

// Holds the host's floating-point traps while in scope.
class HeldTraps {
 public:
  HeldTraps() { std::feholdexcept(&environment_); }
  ~HeldTraps() { std::fesetenv(&environment_); }
  HeldTraps(const HeldTraps&) = delete;
  HeldTraps& operator=(const HeldTraps&) = delete;

 private:
  std::fenv_t environment_;
};

}  // namespace pybridge::abaqus
