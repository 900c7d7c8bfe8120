/* zstd's decoder. Without its choice by CPUID: that is made for every context, costs more than it
 * wins on the small blocks that a command reads, and traps in virtual machines. */
#define DYNAMIC_BMI2             0
#define ZSTD_DISABLE_ASM         1
#define ZSTD_LEGACY_SUPPORT      0
#define ZSTD_NO_UNUSED_FUNCTIONS 1
#define ZSTD_TRACE               0
#define XXH_PRIVATE_API

#include "zstd/lib/common/debug.c"
#include "zstd/lib/common/entropy_common.c"
#include "zstd/lib/common/error_private.c"
#include "zstd/lib/common/fse_decompress.c"
#include "zstd/lib/common/zstd_common.c"
#include "zstd/lib/decompress/huf_decompress.c"
#include "zstd/lib/decompress/zstd_ddict.c"
#include "zstd/lib/decompress/zstd_decompress.c"
#include "zstd/lib/decompress/zstd_decompress_block.c"
