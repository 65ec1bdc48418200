/* The headers alone, as strict C99 and as C++17: they must need nothing before them. */
#include <convoy_testing.h>

int convoy_header_test(void);
int convoy_header_test(void) { return (int)sizeof(convoy_request); }
