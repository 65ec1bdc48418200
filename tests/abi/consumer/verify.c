/* The smallest C program: GitHub's own example of a signature, genuine and forged. */
#include <stdio.h>
#include <string.h>

#include <convoy.h>

static int IsAccepted(const convoy_verifier* verifier, const char* body) {
  convoy_header header = {
      {"X-Hub-Signature-256", 19},
      {"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17", 71}};
  convoy_request request;
  convoy_verdict* verdict = NULL;
  int is_accepted;
  memset(&request, 0, sizeof request);
  request.struct_size = sizeof request;
  request.headers = &header;
  request.headers_count = 1;
  request.body.data = body;
  request.body.size = strlen(body);
  if (convoy_verifier_verify(verifier, &request, 0, &verdict, NULL) != CONVOY_OK) return -1;
  is_accepted = convoy_verdict_is_accepted(verdict);
  convoy_verdict_free(verdict);
  return is_accepted;
}

int main(void) {
  convoy_slice secret = {"It's a Secret to Everybody", 26};
  convoy_verifier* verifier = NULL;
  int is_right;
  if (convoy_verifier_new("github", 6, &secret, 1, &verifier, NULL) != CONVOY_OK) return 1;
  is_right =
      IsAccepted(verifier, "Hello, World!") == 1 && IsAccepted(verifier, "Hello, World?") == 0;
  convoy_verifier_free(verifier);
  puts(is_right ? "verified" : "WRONG");
  return is_right ? 0 : 1;
}
