// Compiles convoy.h, included twice, as C++17.
// clang-format off
#include <convoy.h>

#include <convoy.h>
// clang-format on

int convoy_header_test(void);
int convoy_header_test(void) { return (int)sizeof(convoy_request); }
