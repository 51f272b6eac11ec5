// Reading of the zip archive that a model file is: stored entries only, every offset checked.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace pybridge {

struct Bytes {
  const unsigned char* data = nullptr;
  std::size_t size = 0;
};

// A whole file in memory. Throws Error: missing, not a regular file, unreadable.
std::vector<unsigned char> read_file(const std::string& path);

// Content of the one entry named <anything>/extra/`name`, its checksum verified; a view into `archive`.
// Throws Error that says what is wrong, without the path.
Bytes extra_entry(const std::vector<unsigned char>& archive, const std::string& name);

}  // namespace pybridge
