// Verification through the C++ interface of the archive, and a gateway opened on it.
#include <cstdio>
#include <string>

#include "convoy/gateway.h"
#include "convoy/verifier.h"
#include "convoy/version.h"

namespace {

bool IsAccepted(const convoy::Verifier& verifier, std::string_view body) {
  const convoy::HeaderView headers[] = {
      {"X-Hub-Signature-256",
       "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}};
  convoy::VerifyRequest request;
  request.headers = headers;
  request.body = body;
  return verifier.Verify(request, absl::UnixEpoch()).accepted();
}

absl::Status Run() {
  const auto verifier = convoy::CompilePreset("github", {"It's a Secret to Everybody"});
  if (!verifier.ok()) return verifier.status();
  if (!IsAccepted(**verifier, "Hello, World!") || IsAccepted(**verifier, "Hello, World?")) {
    return absl::InternalError("a wrong verdict");
  }
  convoy::GatewayParts parts;
  auto storage = convoy::OpenSqliteStorage("consumer.db");
  if (!storage.ok()) return storage.status();
  parts.storage = *std::move(storage);
  auto gateway = convoy::Gateway::Open({}, std::move(parts));
  if (!gateway.ok()) return gateway.status();
  if (auto key = (*gateway)->Bootstrap(); !key.ok()) return key.status();
  return (*gateway)->Close(absl::Seconds(1));
}

}  // namespace

int main() {
  const absl::Status status = Run();
  std::puts(status.ok() ? "verified" : status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
