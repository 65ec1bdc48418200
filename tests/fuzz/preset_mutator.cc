// Mutates JSON as JSON, half of the time: a value gives way to one from a shipped preset, is taken
// out, or is doubled. Bytes alone would rarely get past the parser.
#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "lib/json/document.h"
#include "lib/verify/preset.h"
#include "lib/verify/scheme_loader.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t size_max);

namespace convoy::fuzz {
namespace {

using json::Value;
using Random = std::minstd_rand;

void Collect(Value& value, std::vector<Value*>* out) {
  out->push_back(&value);
  if (value.IsObject()) {
    for (int i = 0; i < static_cast<int>(value.MemberCount()); ++i) {
      Collect((value.MemberBegin() + i)->value, out);
    }
  } else if (value.IsArray()) {
    for (auto& element : value.GetArray()) Collect(element, out);
  }
}

Value& AnyOf(json::Document& document, Random& random) {
  std::vector<Value*> values;
  Collect(document, &values);
  return *values[random() % values.size()];
}

json::Document AnyPreset(Random& random) {
  const auto files = verify::PresetFiles();
  return *json::Parse(files[random() % files.size()].json, verify::kSchemeLimits);
}

// One member or element of `value` is removed, doubled or replaced by one of `donor`.
void ChangeContainer(Value& value, Value& donor, json::Document& owner, Random& random) {
  auto& allocator = owner.GetAllocator();
  const size_t choice = random() % 3;
  if (value.IsObject() && value.MemberCount() > 0) {
    auto member = value.MemberBegin() + static_cast<int>(random() % value.MemberCount());
    if (choice == 0) {
      value.RemoveMember(member);
    } else if (donor.IsObject() && donor.MemberCount() > 0) {
      const auto& given = *(donor.MemberBegin() + static_cast<int>(random() % donor.MemberCount()));
      value.AddMember(Value(given.name, allocator), Value(given.value, allocator), allocator);
    } else {
      member->value.CopyFrom(donor, allocator);
    }
  } else if (value.IsArray()) {
    if (choice == 0 && !value.Empty()) {
      value.Erase(value.Begin() + static_cast<int>(random() % value.Size()));
    } else {
      value.PushBack(Value(donor, allocator), allocator);
    }
  } else {
    value.CopyFrom(donor, allocator);
  }
}

}  // namespace
}  // namespace convoy::fuzz

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t size_max,
                                          unsigned int seed) {
  using namespace convoy;
  std::minstd_rand random(seed);
  auto document = json::Parse({reinterpret_cast<const char*>(data), size}, verify::kSchemeLimits);
  if (random() % 2 == 0 || !document.ok()) return LLVMFuzzerMutate(data, size, size_max);
  json::Document donor = fuzz::AnyPreset(random);
  fuzz::ChangeContainer(fuzz::AnyOf(*document, random), fuzz::AnyOf(donor, random), *document,
                        random);
  const std::string text = json::ToText(*document);
  if (text.size() > size_max) return LLVMFuzzerMutate(data, size, size_max);
  std::copy(text.begin(), text.end(), data);
  return text.size();
}
