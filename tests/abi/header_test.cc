// Compiles the headers, included twice, as C++17.
// clang-format off
#include <convoy_testing.h>

#include <convoy_testing.h>
// clang-format on

int convoy_header_test(void);
int convoy_header_test(void) { return (int)sizeof(convoy_request); }
