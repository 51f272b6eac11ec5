#include "model_file/model_file.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "core/status.h"
#include "model_file/archive.h"
#include "model_file/sha256.h"

namespace pybridge {

namespace {

constexpr double count_limit = 1 << 30;
constexpr std::size_t alignment = 64, tensor_limit = 4096;

void expect(bool holds, const std::string& what) {
  if (!holds) throw Error("card.json: " + what);
}

bool is_count(const Json& value, double lowest) {
  return value.is(Json::Type::number) && value.number() >= lowest && value.number() <= count_limit &&
         value.number() == std::floor(value.number());
}

const std::string& text_of(const Json& object, const char* key, const std::string& where) {
  expect(object[key].is(Json::Type::text), where + "\"" + key + "\" must be a text");
  return object[key].text();
}

double positive(const Json& object, const std::string& where, const char* key) {
  expect(object[key].is(Json::Type::number) && object[key].number() > 0,
         "\"" + where + "." + key + "\" must be a positive number");
  return object[key].number();
}

double positive_or_unlimited(const Json& object, const std::string& where, const char* key) {
  if (object[key].is(Json::Type::null)) return std::numeric_limits<double>::infinity();
  return positive(object, where, key);
}

void check_format(const Json& card) {
  expect(card.is(Json::Type::object), "expected an object");
  expect(card["format"].is(Json::Type::text) && card["format"].text() == "pybridge-model",
         "\"format\" must be \"pybridge-model\"");
  expect(is_count(card["format_version"], 1), "\"format_version\" must be a positive whole number");
  const int version = static_cast<int>(card["format_version"].number());
  if (version > model_format_version)
    throw Error("written in format version " + std::to_string(version) + ", this pybridge reads up to " +
                std::to_string(model_format_version) + "; update pybridge");
}

void check_conventions(const Json& card) {
  const char* const wanted[][3] = {{"conventions", "symmetric_order", "11,22,33,12,23,13"},
                                   {"conventions", "packing", "tensor"},
                                   {"conventions", "stress", "cauchy_in_frame_of_R"},
                                   {"conventions", "strain", "U-I"},
                                   {"units", "stress", "Pa"},
                                   {"units", "time", "s"}};
  for (const auto& [group, key, value] : wanted) {
    const Json& found = card[group][key];
    expect(found.is(Json::Type::text) && found.text() == value,
           std::string("\"") + group + "." + key + "\" must be \"" + value + "\"");
  }
}

StateSchema schema_from(const Json& entries) {
  expect(entries.is(Json::Type::list), "\"state_schema\" must be a list");
  StateSchema schema;
  double total = 0;
  for (const Json& entry : entries.list()) {
    const std::string where = "state_schema: ";
    expect(is_count(entry["count"], 1), where + "\"count\" must be a positive whole number");
    total += entry["count"].number();
    expect(total <= count_limit, where + "too many state variables");
    schema.push_back({text_of(entry, "name", where), static_cast<int>(entry["count"].number()),
                      text_of(entry, "unit", where), text_of(entry, "description", where)});
  }
  return schema;
}

Tensor tensor_from(const Json& entry, Bytes weights) {
  Tensor tensor;
  tensor.name = text_of(entry, "name", "tensors: ");
  const std::string where = "tensor " + tensor.name + ": ";
  const std::string& dtype = text_of(entry, "dtype", where);
  expect(dtype == "f64" || dtype == "f32", where + "dtype must be \"f64\" or \"f32\"");
  const std::size_t item = dtype == "f64" ? 8 : 4;
  expect(entry["shape"].is(Json::Type::list) && entry["shape"].list().size() <= 8,
         where + "shape must be a list");
  double count = 1;
  for (const Json& extent : entry["shape"].list()) {
    expect(is_count(extent, 1), where + "shape must hold positive whole numbers");
    count *= extent.number();
    expect(count <= count_limit, where + "too large");
    tensor.shape.push_back(static_cast<int>(extent.number()));
  }
  const std::size_t bytes = static_cast<std::size_t>(count) * item;
  expect(entry["bytes"].is(Json::Type::number) && entry["bytes"].number() == static_cast<double>(bytes),
         where + "bytes do not fit its shape");
  const double offset = entry["offset"].is(Json::Type::number) ? entry["offset"].number() : -1;
  expect(offset >= 0 && offset == std::floor(offset) && offset <= static_cast<double>(weights.size) &&
             static_cast<std::size_t>(offset) % alignment == 0 &&
             weights.size - static_cast<std::size_t>(offset) >= bytes,
         where + "lies outside weights.bin or is not aligned to 64 bytes");
  const unsigned char* from = weights.data + static_cast<std::size_t>(offset);
  tensor.values.resize(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < tensor.values.size(); ++i) {
    float narrow;
    if (item == 8)
      std::memcpy(&tensor.values[i], from + i * item, item);
    else
      std::memcpy(&narrow, from + i * item, item), tensor.values[i] = static_cast<double>(narrow);
    expect(std::isfinite(tensor.values[i]), where + "holds NaN or infinity");
  }
  return tensor;
}

void read_card(ModelFile& file, Bytes card, Bytes weights) {
  file.card = Json::parse(reinterpret_cast<const char*>(card.data), card.size);
  check_format(file.card);
  check_conventions(file.card);
  file.kind = text_of(file.card, "kind", "");
  file.name = text_of(file.card, "name", "");
  const std::string& precision = text_of(file.card, "precision", "");
  expect(precision == "f32" || precision == "f64", "\"precision\" must be \"f32\" or \"f64\"");
  file.state_schema = schema_from(file.card["state_schema"]);
  const Json& moduli = file.card["elastic_moduli"];
  file.elastic_moduli = {positive(moduli, "elastic_moduli", "bulk"),
                         positive(moduli, "elastic_moduli", "shear")};
  const Json& domain = file.card["domain"];
  expect(domain.is(Json::Type::object), "\"domain\" must be an object");
  file.domain = {positive_or_unlimited(domain, "domain", "strain_max"),
                 positive_or_unlimited(domain, "domain", "rate_max"),
                 positive_or_unlimited(domain, "domain", "time_max")};
  if (sha256_hex(weights.data, weights.size) != text_of(file.card, "weights_sha256", ""))
    throw Error("weights.bin does not have the sha256 of the card: the file was altered");
  expect(file.card["tensors"].is(Json::Type::list), "\"tensors\" must be a list");
  expect(file.card["tensors"].list().size() <= tensor_limit, "too many tensors");
  std::size_t total = 0;
  for (const Json& entry : file.card["tensors"].list()) {
    Tensor tensor = tensor_from(entry, weights);
    expect(file.find(tensor.name) == nullptr, "tensor " + tensor.name + " is listed twice");
    total += static_cast<std::size_t>(entry["bytes"].number());
    expect(total <= weights.size, "tensors overlap");
    file.tensors.push_back(std::move(tensor));
  }
}

}  // namespace

const Tensor* ModelFile::find(const std::string& wanted) const {
  for (const Tensor& tensor : tensors)
    if (tensor.name == wanted) return &tensor;
  return nullptr;
}

int ModelFile::whole_number(const Json& value, const std::string& name, int least, int most) const {
  if (!is_count(value, least) || value.number() > most)
    refuse("card.json: \"" + name + "\" must be a whole number from " + std::to_string(least) + " to " +
           std::to_string(most));
  return static_cast<int>(value.number());
}

void ModelFile::expect_state_schema(const StateSchema& expected) const {
  const auto same = [](const StateVariable& a, const StateVariable& b) {
    return a.name == b.name && a.count == b.count;
  };
  if (std::equal(state_schema.begin(), state_schema.end(), expected.begin(), expected.end(), same)) return;
  std::string list;
  for (const StateVariable& entry : expected)
    list += (list.empty() ? "" : ", ") + entry.name + "[" + std::to_string(entry.count) + "]";
  refuse("card.json: \"state_schema\" must be " + list);
}

void ModelFile::refuse(const std::string& what) const {
  throw Error(path + ": " + what + "; export the model again, or copy the file again if it was transferred");
}

const Tensor& ModelFile::tensor(const std::string& wanted, const std::vector<int>& shape) const {
  const Tensor* found = find(wanted);
  if (found == nullptr)
    refuse("a model of kind " + kind + " needs the tensor " + wanted + ", the file has none");
  bool fits = found->shape.size() == shape.size();
  std::string expected, got;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (fits && shape[d] != 0 && found->shape[d] != shape[d]) fits = false;
    expected += (d ? ", " : "") + (shape[d] == 0 ? std::string("any") : std::to_string(shape[d]));
  }
  for (std::size_t d = 0; d < found->shape.size(); ++d)
    got += (d ? ", " : "") + std::to_string(found->shape[d]);
  if (!fits) refuse("tensor " + wanted + ": expected shape (" + expected + "), got (" + got + ")");
  return *found;
}

ModelFile read_model_file(const std::string& path) {
  ModelFile file;
  file.path = path;
  const std::vector<unsigned char> bytes = read_file(path);
  try {
    const Bytes card = extra_entry(bytes, "card.json"), weights = extra_entry(bytes, "weights.bin");
    read_card(file, card, weights);
  } catch (const Error& error) {
    file.refuse(error.what());
  }
  return file;
}

}  // namespace pybridge
