// The C++ interface with the bundled Abseil, in a program whose other files use another Abseil.
#include "absl/status/statusor.h"
#include "host.h"

#include "convoy/verifier.h"

bool IsGenuine(const std::string& secret, const std::string& body, const std::string& signature) {
  const absl::StatusOr<std::shared_ptr<const convoy::Verifier>> verifier =
      convoy::CompilePreset("github", {secret});
  if (!verifier.ok()) return false;
  const convoy::HeaderView headers[] = {{"X-Hub-Signature-256", signature}};
  convoy::VerifyRequest request;
  request.headers = headers;
  request.body = body;
  return (*verifier)->Verify(request, absl::UnixEpoch()).accepted();
}
