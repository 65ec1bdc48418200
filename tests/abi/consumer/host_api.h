// The C interface as a table, filled by the linker in host_linked.cc and by dlsym in
// host_loaded.cc.
#pragma once

#include <string>

#include <convoy.h>

struct ConvoyApi {
  decltype(&convoy_verifier_new) verifier_new;
  decltype(&convoy_verifier_verify) verifier_verify;
  decltype(&convoy_verifier_free) verifier_free;
  decltype(&convoy_verdict_is_accepted) verdict_is_accepted;
  decltype(&convoy_verdict_free) verdict_free;
};

inline bool IsGenuineBy(const ConvoyApi& api, const std::string& secret, const std::string& body,
                        const std::string& signature) {
  const convoy_slice secrets = {secret.data(), secret.size()};
  convoy_verifier* verifier = nullptr;
  if (api.verifier_new("github", 6, &secrets, 1, &verifier, nullptr) != CONVOY_OK) return false;
  const convoy_header header = {{"X-Hub-Signature-256", 19}, {signature.data(), signature.size()}};
  convoy_request request = {};
  request.struct_size = sizeof request;
  request.headers = &header;
  request.headers_count = 1;
  request.body = {body.data(), body.size()};
  convoy_verdict* verdict = nullptr;
  bool is_genuine = false;
  if (api.verifier_verify(verifier, &request, 0, &verdict, nullptr) == CONVOY_OK) {
    is_genuine = api.verdict_is_accepted(verdict) != 0;
  }
  api.verdict_free(verdict);
  api.verifier_free(verifier);
  return is_genuine;
}
