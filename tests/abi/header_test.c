/* The header alone, as strict C99 and as C++17: it must need nothing before it. */
#include <convoy.h>

int convoy_header_test(void);
int convoy_header_test(void) { return (int)sizeof(convoy_request); }
