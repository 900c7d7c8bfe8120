/* lz4 frames. The compressing half is dropped by the linker, nobody calls it. */
#define XXH_PRIVATE_API
#include "lz4/lib/lz4.c"

#include "lz4/lib/lz4hc.c"

#include "lz4/lib/lz4frame.c"
