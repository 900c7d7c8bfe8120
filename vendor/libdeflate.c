/* libdeflate: gzip of whole buffers. Its choice by CPUID is made at the first call, not at start,
 * so that a command that unpacks no gzip does not pay for it. */
#include "libdeflate/lib/utils.c"

#include "libdeflate/lib/crc32.c"
#include "libdeflate/lib/deflate_decompress.c"
#include "libdeflate/lib/gzip_decompress.c"
#if defined(__i386__) || defined(__x86_64__)
#include "libdeflate/lib/x86/cpu_features.c"
#elif defined(__arm__) || defined(__aarch64__)
#include "libdeflate/lib/arm/cpu_features.c"
#endif
