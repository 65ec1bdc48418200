// Entry point that lists the presets.
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"

#include "capi/shim.h"
#include "convoy/verifier.h"

using convoy::PresetInfo;
using convoy::capi::FailNull;
using convoy::capi::FillBuf;
using convoy::capi::Guard;
using convoy::capi::ReserveBuf;

namespace {

// A JSON string of UTF-8 without control characters, which presets have none of.
std::string Quote(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted.push_back('\\');
    quoted.push_back(c);
  }
  quoted.push_back('"');
  return quoted;
}

std::string List(const std::vector<std::string>& texts) {
  return absl::StrCat("[",
                      absl::StrJoin(texts, ",",
                                    [](std::string* out, const std::string& text) {
                                      absl::StrAppend(out, Quote(text));
                                    }),
                      "]");
}

std::string JsonOf(const PresetInfo& preset) {
  const std::string window = preset.replay_window.has_value()
                                 ? absl::StrCat(absl::ToInt64Seconds(*preset.replay_window))
                                 : "null";
  return absl::StrCat(
      R"({"name":)", Quote(preset.name), R"(,"title":)", Quote(preset.title), R"(,"schemes":)",
      List(preset.schemes), R"(,"parameters_needed":)", List(preset.parameters_needed),
      R"(,"parameters_used":)", List(preset.parameters_used), R"(,"integrity":)",
      Quote(convoy::IntegrityName(preset.integrity)), R"(,"replay_window_s":)", window,
      R"(,"handshake":)", Quote(preset.handshake), R"(,"tenant":)", Quote(preset.tenant), "}");
}

}  // namespace

convoy_status convoy_presets(convoy_buf* out_json, convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (out_json == nullptr) return FailNull(error, "out_json");
    *out_json = {};
    std::string text = "[";
    for (const PresetInfo& preset : convoy::ListPresets()) {
      absl::StrAppend(&text, text.size() > 1 ? "," : "", JsonOf(preset));
    }
    text += "]";
    convoy_buf buf = {};
    if (!ReserveBuf(text.size(), &buf)) throw std::bad_alloc();
    FillBuf(text, &buf);
    *out_json = buf;
    return CONVOY_OK;
  });
}
