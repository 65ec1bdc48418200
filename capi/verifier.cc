// Entry points of the stateless verifier.
#include "capi/verifier.h"

#include "absl/strings/str_cat.h"

#include "capi/reply.h"

struct convoy_verdict {
  bool is_accepted;
  const char* reason;
  const char* integrity;
  int32_t secret_index;
  std::string event_id;  // a copy: the request may be gone
};

namespace {

using convoy::capi::BorrowedVerifyRequest;
using convoy::capi::CheckRequest;
using convoy::capi::CheckStruct;
using convoy::capi::CopyStruct;
using convoy::capi::Fail;
using convoy::capi::FailNull;
using convoy::capi::FillBuf;
using convoy::capi::FillView;
using convoy::capi::Guard;
using convoy::capi::IsReadable;
using convoy::capi::ReserveBuf;
using convoy::capi::Slice;
using convoy::capi::View;
using convoy::capi::ViewOf;
using convoy::capi::ZeroView;

using Compiled = absl::StatusOr<std::shared_ptr<const convoy::Verifier>>;

convoy_status ReadSecrets(const convoy_slice* secrets, size_t secrets_count,
                          std::vector<std::string>* out, convoy_error** error) {
  if (!IsReadable(secrets, secrets_count)) return FailNull(error, "secrets");
  for (size_t i = 0; i < secrets_count; ++i) {
    if (!IsReadable(secrets[i].data, secrets[i].size)) {
      return FailNull(error, absl::StrCat("secrets[", i, "]"));
    }
    out->emplace_back(View(secrets[i]));
  }
  return CONVOY_OK;
}

convoy_status ReadParameters(const convoy_header* parameters, size_t parameters_count,
                             std::map<std::string, std::string>* out, convoy_error** error) {
  if (!IsReadable(parameters, parameters_count)) return FailNull(error, "parameters");
  for (size_t i = 0; i < parameters_count; ++i) {
    const auto& [name, value] = parameters[i];
    if (!IsReadable(name.data, name.size) || !IsReadable(value.data, value.size)) {
      return FailNull(error, absl::StrCat("parameters[", i, "]"));
    }
    if (!out->emplace(View(name), View(value)).second) {
      return Fail(error, CONVOY_E_INVALID,
                  absl::StrCat("parameters[", i, "]: there is one of that name already"));
    }
  }
  return CONVOY_OK;
}

convoy_status Keep(Compiled compiled, convoy_verifier** out, convoy_error** error) {
  if (!compiled.ok()) return Fail(error, compiled.status());
  *out = new convoy_verifier{*std::move(compiled)};
  return CONVOY_OK;
}

convoy_status CheckCall(const convoy_verifier* verifier, const convoy_request* request,
                        convoy_error** error) {
  return verifier == nullptr ? FailNull(error, "verifier") : CheckRequest(request, error);
}

// A convoy_verifier_settings as C++ has it. The views are into it.
struct Settings {
  std::string_view preset;
  std::string_view definition;
  convoy::VerifierSettings ours;
};

convoy_status ReadSettings(const convoy_verifier_settings* given, Settings* out,
                           convoy_error** error) {
  const convoy_status checked = CheckStruct(given, "settings", sizeof *given, error);
  if (checked != CONVOY_OK) return checked;
  const convoy_verifier_settings settings = CopyStruct(*given);
  for (const auto& [name, text] : {std::pair("settings.preset", settings.preset),
                                   std::pair("settings.definition", settings.definition),
                                   std::pair("settings.scheme", settings.scheme)}) {
    if (!IsReadable(text.data, text.size)) return FailNull(error, name);
  }
  out->preset = View(settings.preset);
  out->definition = View(settings.definition);
  if (out->preset.empty() == out->definition.empty()) {
    return Fail(error, CONVOY_E_INVALID,
                "settings.preset: or settings.definition must be given, and only one of them");
  }
  out->ours.scheme = std::string(View(settings.scheme));
  const convoy_status read =
      ReadSecrets(settings.secrets, settings.secrets_count, &out->ours.secrets, error);
  if (read != CONVOY_OK) return read;
  return ReadParameters(settings.parameters, settings.parameters_count, &out->ours.parameters,
                        error);
}

// Copies `text` to `out` unless that is null. False if there is no memory.
bool GiveBuf(std::string_view text, convoy_buf* out) {
  if (out == nullptr || text.empty()) return true;
  if (!ReserveBuf(text.size(), out)) return false;
  FillBuf(text, out);
  return true;
}

}  // namespace

convoy_status convoy_verifier_new(const char* text, size_t text_size, const convoy_slice* secrets,
                                  size_t secrets_count, convoy_verifier** out,
                                  convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (out == nullptr) return FailNull(error, "out");
    *out = nullptr;
    if (!IsReadable(text, text_size)) return FailNull(error, "text");
    std::vector<std::string> texts;
    const convoy_status read = ReadSecrets(secrets, secrets_count, &texts, error);
    if (read != CONVOY_OK) return read;
    const std::string_view source = View(text, text_size);
    return Keep(source.starts_with('{') ? convoy::CompileScheme(source, std::move(texts))
                                        : convoy::CompilePreset(source, std::move(texts)),
                out, error);
  });
}

convoy_status convoy_verifier_new_with(const convoy_verifier_settings* given, convoy_verifier** out,
                                       convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (out == nullptr) return FailNull(error, "out");
    *out = nullptr;
    Settings settings;
    if (const convoy_status read = ReadSettings(given, &settings, error)) return read;
    return Keep(settings.preset.empty()
                    ? convoy::CompileScheme(settings.definition, std::move(settings.ours))
                    : convoy::CompilePreset(settings.preset, std::move(settings.ours)),
                out, error);
  });
}

convoy_status convoy_verifier_explain(const convoy_verifier_settings* given,
                                      const convoy_request* request, int64_t now_us,
                                      convoy_buf* out_json, convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (out_json == nullptr) return FailNull(error, "out_json");
    Settings settings;
    if (const convoy_status read = ReadSettings(given, &settings, error)) return read;
    if (const convoy_status checked = CheckRequest(request, error)) return checked;
    const BorrowedVerifyRequest borrowed(*request);
    const absl::Time now = absl::FromUnixMicros(now_us);
    const auto text =
        settings.preset.empty()
            ? convoy::ExplainScheme(settings.definition, settings.ours, *borrowed, now)
            : convoy::ExplainPreset(settings.preset, settings.ours, *borrowed, now);
    if (!text.ok()) return Fail(error, text.status());
    if (!GiveBuf(*text, out_json)) {
      return Fail(error, CONVOY_E_NO_MEMORY, "there is no memory for the explanation");
    }
    return CONVOY_OK;
  });
}

convoy_status convoy_verifier_verify(const convoy_verifier* verifier, const convoy_request* request,
                                     int64_t now_us, convoy_verdict** out, convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (out == nullptr) return FailNull(error, "out");
    *out = nullptr;
    if (const convoy_status checked = CheckCall(verifier, request, error)) return checked;
    const BorrowedVerifyRequest borrowed(*request);
    const convoy_verdict_view view =
        ViewOf(verifier->verifier->Verify(*borrowed, absl::FromUnixMicros(now_us)));
    *out = new convoy_verdict{view.is_accepted != 0, view.reason, view.integrity, view.secret_index,
                              view.is_accepted ? verifier->verifier->EventId(*borrowed) : ""};
    return CONVOY_OK;
  });
}

convoy_status convoy_verifier_check(const convoy_verifier* verifier, const convoy_request* request,
                                    int64_t now_us, convoy_verdict_view* out,
                                    convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (const convoy_status sized = ZeroView(out, error)) return sized;
    if (const convoy_status checked = CheckCall(verifier, request, error)) return checked;
    const BorrowedVerifyRequest borrowed(*request);
    FillView(verifier->verifier->Verify(*borrowed, absl::FromUnixMicros(now_us)),
             *verifier->verifier, out);
    return CONVOY_OK;
  });
}

convoy_status convoy_verifier_event_id(const convoy_verifier* verifier,
                                       const convoy_request* request, char* out, size_t out_size,
                                       size_t* out_used, convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (out_used == nullptr) return FailNull(error, "out_used");
    *out_used = 0;
    if (!IsReadable(out, out_size)) return FailNull(error, "out");
    if (const convoy_status checked = CheckCall(verifier, request, error)) return checked;
    const std::string id = verifier->verifier->EventId(*BorrowedVerifyRequest(*request));
    *out_used = id.size();
    if (id.size() > out_size) return Fail(error, CONVOY_E_TOO_LARGE, "out: the id is longer");
    std::memcpy(out, id.data(), id.size());
    return CONVOY_OK;
  });
}

convoy_status convoy_verifier_answer(const convoy_verifier* verifier, const convoy_request* request,
                                     int64_t now_us, convoy_reply** out_reply,
                                     convoy_buf* out_secret, convoy_buf* out_visit_url,
                                     convoy_error** error) {
  return Guard(error, [&]() -> convoy_status {
    if (out_reply == nullptr) return FailNull(error, "out_reply");
    *out_reply = nullptr;
    for (convoy_buf* buf : {out_secret, out_visit_url}) {
      if (buf != nullptr) *buf = {};
    }
    if (const convoy_status checked = CheckCall(verifier, request, error)) return checked;
    const BorrowedVerifyRequest borrowed(*request);
    auto answer = verifier->verifier->AnswerChallenge(*borrowed, absl::FromUnixMicros(now_us));
    if (!answer.has_value()) return CONVOY_DECLINED;
    auto reply = std::make_unique<convoy_reply>();
    reply->response = std::move(answer->response);
    if (!GiveBuf(answer->learned_secret, out_secret)) throw std::bad_alloc();
    if (!GiveBuf(answer->visit_url, out_visit_url)) {
      convoy_buf_free(out_secret);
      throw std::bad_alloc();
    }
    *out_reply = reply.release();
    return CONVOY_OK;
  });
}

void convoy_verifier_free(convoy_verifier* verifier) { delete verifier; }

int32_t convoy_verdict_is_accepted(const convoy_verdict* verdict) {
  return verdict != nullptr && verdict->is_accepted;
}

const char* convoy_verdict_reason(const convoy_verdict* verdict) {
  return verdict == nullptr ? "" : verdict->reason;
}

const char* convoy_verdict_integrity(const convoy_verdict* verdict) {
  return verdict == nullptr ? "" : verdict->integrity;
}

int32_t convoy_verdict_secret_index(const convoy_verdict* verdict) {
  return verdict == nullptr ? -1 : verdict->secret_index;
}

void convoy_verdict_event_id(const convoy_verdict* verdict, convoy_slice* out) {
  if (out != nullptr) *out = verdict == nullptr ? convoy_slice{} : Slice(verdict->event_id);
}

void convoy_verdict_free(convoy_verdict* verdict) { delete verdict; }
