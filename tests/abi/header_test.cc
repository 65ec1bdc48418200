// The same for C++17.
#include <convoy.h>

#include <convoy.h>

int convoy_header_test(void);
int convoy_header_test(void) { return (int)sizeof(convoy_request); }
