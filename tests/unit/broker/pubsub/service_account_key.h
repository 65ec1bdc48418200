// A key file as Google hands them out, with a key of the test vectors.
#pragma once

#include <string>

#include "absl/strings/str_replace.h"

#include "tests/unit/crypto/vector_files.h"

namespace convoy::testing {

inline std::string ServiceAccountKey(std::string_view more = "") {
  return absl::StrReplaceAll(
      R"({"type":"service_account","project_id":"p","private_key_id":"key-1",)"
      R"("private_key":"PEM","client_email":"reader@p.iam.gserviceaccount.com",)"
      R"("token_uri":"https://oauth2.googleapis.com/token"MORE})",
      {{"PEM", absl::StrReplaceAll(crypto::VectorFile("rsa_private.pem"), {{"\n", "\\n"}})},
       {"MORE", more}});
}

}  // namespace convoy::testing
