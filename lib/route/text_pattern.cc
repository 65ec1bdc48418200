// Regular expressions by RE2; see text_pattern.h.
#include "lib/route/text_pattern.h"

#include <utility>

#ifdef CONVOY_HAS_RE2
#include <re2/re2.h>
#else
namespace re2 {
class RE2 {};
}  // namespace re2
#endif

namespace convoy::route {

TextPattern::TextPattern(std::unique_ptr<re2::RE2> program) : program_(std::move(program)) {}
TextPattern::~TextPattern() = default;

#ifdef CONVOY_HAS_RE2

bool HasTextPatterns() { return true; }

std::unique_ptr<const TextPattern> TextPattern::Compile(std::string_view pattern,
                                                        std::string* out_error) {
  if (pattern.size() > kPatternBytesMax) {
    *out_error = "is longer than " + std::to_string(kPatternBytesMax) + " bytes";
    return nullptr;
  }
  re2::RE2::Options options;
  options.set_log_errors(false);  // a library prints nothing
  options.set_never_capture(true);
  options.set_max_mem(kPatternMemoryMax);
  auto program =
      std::make_unique<re2::RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (!program->ok()) {
    *out_error = program->error_code() == re2::RE2::ErrorPatternTooLarge
                     ? "is too large when it is compiled"
                     : "is no regular expression: " + program->error();
    return nullptr;
  }
  return std::unique_ptr<const TextPattern>(new TextPattern(std::move(program)));
}

bool TextPattern::IsIn(std::string_view text) const {
  return program_->Match(re2::StringPiece(text.data(), text.size()), 0, text.size(),
                         re2::RE2::UNANCHORED, nullptr, 0);
}

size_t TextPattern::size() const { return static_cast<size_t>(program_->ProgramSize()); }

#else

bool HasTextPatterns() { return false; }

std::unique_ptr<const TextPattern> TextPattern::Compile(std::string_view, std::string* out_error) {
  *out_error = "is not available in this build (CONVOY_RE2)";
  return nullptr;
}

bool TextPattern::IsIn(std::string_view) const { return false; }

size_t TextPattern::size() const { return 0; }

#endif

}  // namespace convoy::route
