#include "model_file/archive.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>

#include "core/status.h"

namespace pybridge {

namespace {

constexpr std::size_t end_size = 22, central_size = 46, local_size = 30;

// Little-endian number of `bytes` bytes; throws where it lies outside.
std::uint32_t number_at(const std::vector<unsigned char>& a, std::size_t at, int bytes) {
  const std::size_t count = static_cast<std::size_t>(bytes);
  if (at > a.size() || a.size() - at < count) throw Error("truncated archive");
  std::uint32_t value = 0;
  for (int i = 0; i < bytes; ++i) value |= std::uint32_t(a[at + static_cast<std::size_t>(i)]) << (8 * i);
  return value;
}

std::uint32_t crc32(Bytes content) {
  std::uint32_t table[256];
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int k = 0; k < 8; ++k) c = c & 1 ? 0xEDB88320u ^ (c >> 1) : c >> 1;
    table[i] = c;
  }
  std::uint32_t crc = 0xFFFFFFFFu;
  for (std::size_t i = 0; i < content.size; ++i) crc = table[(crc ^ content.data[i]) & 255] ^ (crc >> 8);
  return ~crc;
}

// Position of the end-of-central-directory record: the last one whose comment reaches the end of the file.
std::size_t find_end(const std::vector<unsigned char>& a) {
  for (std::size_t back = end_size; back <= a.size() && back <= end_size + 65535; ++back) {
    const std::size_t at = a.size() - back;
    if (number_at(a, at, 4) == 0x06054b50u && number_at(a, at + 20, 2) == back - end_size) return at;
  }
  throw Error("not a zip archive, or its end is missing (truncated)");
}

struct Entry {
  std::string name;
  std::uint32_t method, crc, packed_size, size, offset;
};

Entry entry_at(const std::vector<unsigned char>& a, std::size_t at) {
  if (number_at(a, at, 4) != 0x02014b50u) throw Error("damaged central directory");
  const std::size_t name_size = number_at(a, at + 28, 2);
  if (a.size() - at < central_size + name_size) throw Error("truncated archive");
  const char* name = reinterpret_cast<const char*>(a.data() + at + central_size);
  return {std::string(name, name_size), number_at(a, at + 10, 2), number_at(a, at + 16, 4),
          number_at(a, at + 20, 4),     number_at(a, at + 24, 4), number_at(a, at + 42, 4)};
}

// `shown` names the entry in messages: its name in the file may be any bytes.
Bytes content_of(const std::vector<unsigned char>& a, const Entry& entry, const std::string& shown) {
  if (entry.size == 0xFFFFFFFFu || entry.offset == 0xFFFFFFFFu)
    throw Error(shown + " needs zip64: archives above 4 GiB are not supported");
  if (entry.method != 0 || entry.packed_size != entry.size)
    throw Error(shown + " is compressed; expected a stored entry");
  const std::size_t at = entry.offset;
  if (number_at(a, at, 4) != 0x04034b50u) throw Error("damaged entry " + shown);
  const std::size_t name_size = number_at(a, at + 26, 2), extra_size = number_at(a, at + 28, 2);
  const std::size_t start = at + local_size + name_size + extra_size;
  if (start > a.size() || a.size() - start < entry.size) throw Error("truncated entry " + shown);
  if (name_size != entry.name.size() ||
      std::memcmp(a.data() + at + local_size, entry.name.data(), name_size) != 0)
    throw Error("damaged entry " + shown);
  const Bytes content = {a.data() + start, entry.size};
  if (crc32(content) != entry.crc)
    throw Error("checksum of " + shown + " does not fit: the file was altered");
  return content;
}

}  // namespace

std::vector<unsigned char> read_file(const std::string& path) {
  struct stat info;
  const auto refuse = [&](const std::string& why) {
    throw Error(path + ": cannot read the model file: " + why +
                "; expected a .pt written by `pybridge export`");
  };
  if (stat(path.c_str(), &info) != 0) refuse(std::strerror(errno));
  if (!S_ISREG(info.st_mode)) refuse("not a regular file");  // opening a pipe would wait for ever
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
  if (!file) refuse(std::strerror(errno));
  std::vector<unsigned char> bytes(static_cast<std::size_t>(info.st_size));
  if (!bytes.empty() && std::fread(bytes.data(), 1, bytes.size(), file.get()) != bytes.size())
    refuse("it ends early");
  return bytes;
}

Bytes extra_entry(const std::vector<unsigned char>& archive, const std::string& name) {
  const std::size_t end = find_end(archive);
  const std::uint32_t count = number_at(archive, end + 10, 2), start = number_at(archive, end + 16, 4);
  if (count == 0xFFFFu || start == 0xFFFFFFFFu)
    throw Error("needs zip64: archives above 4 GiB or 65534 entries are not supported");
  const std::string wanted = "/extra/" + name;
  Entry found{};
  int matches = 0;
  std::size_t at = start;
  for (std::uint32_t i = 0; i < count; ++i) {
    const Entry entry = entry_at(archive, at);
    const std::size_t slash = entry.name.find('/');
    if (slash != std::string::npos && entry.name.compare(slash, std::string::npos, wanted) == 0) {
      ++matches;
      found = entry;
    }
    at += central_size + entry.name.size() + number_at(archive, at + 30, 2) + number_at(archive, at + 32, 2);
  }
  if (matches != 1)
    throw Error("expected one extra/" + name + " in the archive, found " + std::to_string(matches) +
                "; not written by `pybridge export`");
  return content_of(archive, found, "extra/" + name);
}

}  // namespace pybridge
