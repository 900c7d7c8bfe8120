/* bzip2. The compressing half is dropped by the linker, nobody calls it. Without stdio the library
 * asks us what to do about a broken invariant. */
#define BZ_NO_STDIO 1
#include "bzip2/blocksort.c"
#include "bzip2/bzlib.c"
#include "bzip2/compress.c"
#include "bzip2/crctable.c"
#include "bzip2/decompress.c"
#include "bzip2/huffman.c"
#include "bzip2/randtable.c"

void bz_internal_error(int number)
{
    (void)number;
    __builtin_trap();
}
