/* yyjson: reading JSON. What nobody calls is dropped by the linker. */
#define YYJSON_DISABLE_NON_STANDARD 1
#include "yyjson/src/yyjson.c"
