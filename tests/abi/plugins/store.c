/* A plug-in of a store that is of another build: the first member of its answer is its stamp. */
#include <convoy_parts.h>

static const char* const plugin[] = {STAMP, 0, 0};

CONVOY_API const void* convoy_store_plugin(void);
const void* convoy_store_plugin(void) { return ANSWER; }
