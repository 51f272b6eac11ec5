// SHA-256 (FIPS 180-4), for the integrity of weights.bin.
#pragma once

#include <cstddef>
#include <string>

namespace pybridge {

// 64 lower-case hexadecimal digits.
std::string sha256_hex(const unsigned char* data, std::size_t size);

}  // namespace pybridge
