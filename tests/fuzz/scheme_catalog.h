// Every scheme of every preset, and some that no preset has, ready to be verified with.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "convoy/verifier.h"
#include "lib/verify/evidence.h"
#include "lib/verify/preset.h"
#include "tests/fuzz/sender.h"

namespace convoy::fuzz {

struct SchemeCase {
  std::string name;  // "github/default"
  verify::Scheme scheme;
  bool has_open_sibling = false;              // a scheme of the same preset accepts everything
  std::vector<std::string> headers;           // that the scheme names, its signature's first
  verify::Parameters parameters;              // a value for each that the scheme asks for
  std::shared_ptr<const Verifier> alone;      // of this scheme, with the secret
  std::shared_ptr<const Verifier> published;  // the same with published keys; may be null
  std::shared_ptr<const Verifier> preset;     // of the whole preset; may be null
};

class SchemeCatalog {
 public:
  explicit SchemeCatalog(const Sender& sender);

  // The case whose hash is the next at or after `number`: so inputs keep their meaning when presets
  // are added.
  const SchemeCase& Select(uint32_t number) const;

 private:
  void Add(const std::string& preset_name, std::string_view json, const verify::Preset& preset);
  SchemeCase MakeCase(const std::string& preset_name, std::string_view json,
                      const verify::Preset& preset, const verify::Scheme& scheme) const;

  const Sender& sender_;
  std::map<uint32_t, SchemeCase> cases_;
};

}  // namespace convoy::fuzz
