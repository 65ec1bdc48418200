// Regular expression of a filter's $regex: RE2's syntax, searched for in time that is linear in the
// text. The engine is an optional part of the build (CONVOY_RE2); without it Compile refuses.
//
// Needs nothing but the standard library: RE2's own headers may stand on another Abseil than ours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace convoy::route {

// Bounds of a pattern; exceeding one is an error when it is compiled.
inline constexpr size_t kPatternBytesMax = 1024;
// Of the compiled program and of the automaton that is made from it while texts are searched.
inline constexpr int64_t kPatternMemoryMax = 256 * 1024;

// Immutable and safe to share between threads.
class TextPattern {
 public:
  // Null, with one line in `out_error`, if `pattern` is not UTF-8 in RE2's syntax, beyond a bound,
  // or if the build has no engine.
  static std::unique_ptr<const TextPattern> Compile(std::string_view pattern,
                                                    std::string* out_error);
  ~TextPattern();

  // Whether some part of `text` matches.
  bool IsIn(std::string_view text) const;

  // Instructions of the program: a search looks at no more than all of them for each byte.
  size_t size() const;

 private:
  explicit TextPattern(std::unique_ptr<re2::RE2> program);

  const std::unique_ptr<re2::RE2> program_;
};

// Whether the build has the engine.
bool HasTextPatterns();

}  // namespace convoy::route
