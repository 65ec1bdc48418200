/* Command-line check of one webhook with the stateless verifier: no gateway, storage or network.
 *
 *   verify PRESET SECRET 'Header: value' < body
 *   printf 'Hello, World!' | verify github "It's a Secret to Everybody" \
 *     'X-Hub-Signature-256:
 * sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'
 *
 * Prints the reason and exits with 0 if it is accepted, 1 if it is refused, 2 for a usage error.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <convoy.h>

int main(int argc, char** argv) {
  static char body[1 << 20];
  char* colon = argc == 4 ? strstr(argv[3], ": ") : NULL;
  if (colon == NULL) {
    fprintf(stderr, "usage: %s PRESET SECRET 'Header: value' < body\n", argv[0]);
    return 2;
  }

  const convoy_slice secret = {argv[2], strlen(argv[2])};
  convoy_verifier* verifier = NULL;
  convoy_error* error = NULL;
  if (convoy_verifier_new(argv[1], strlen(argv[1]), &secret, 1, &verifier, &error) != CONVOY_OK) {
    fprintf(stderr, "%s\n", convoy_error_message(error));
    convoy_error_free(error);
    return 2;
  }

  const convoy_header header = {{argv[3], (size_t)(colon - argv[3])},
                                {colon + 2, strlen(colon + 2)}};
  convoy_request request = {.struct_size = sizeof request, .headers = &header, .headers_count = 1};
  request.body.data = body;
  request.body.size = fread(body, 1, sizeof body, stdin);

  convoy_verdict* verdict = NULL;
  convoy_verifier_verify(verifier, &request, (int64_t)time(NULL) * 1000000, &verdict, NULL);
  const int is_accepted = convoy_verdict_is_accepted(verdict);
  puts(convoy_verdict_reason(verdict));
  convoy_verdict_free(verdict);
  convoy_verifier_free(verifier);
  return is_accepted ? 0 : 1;
}
