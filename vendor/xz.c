/* xz's decoder: .xz streams of LZMA2, the one filter that lists and packages are packed with, and
 * the four checks. Single-threaded. The settings stand for the library's config.h. */
#define HAVE_STDBOOL_H                1
#define HAVE_STDINT_H                 1
#define HAVE_INTTYPES_H               1
#define HAVE_STDLIB_H                 1
#define HAVE_STRING_H                 1
#define HAVE_LIMITS_H                 1
#define HAVE_VISIBILITY               0
#define HAVE_DECODERS                 1
#define HAVE_DECODER_LZMA1            1
#define HAVE_DECODER_LZMA2            1
#define HAVE_CHECK_CRC32              1
#define HAVE_CHECK_CRC64              1
#define HAVE_CHECK_SHA256             1
#define HAVE___BUILTIN_ASSUME_ALIGNED 1
#define HAVE___BUILTIN_BSWAPXX        1
#define TUKLIB_SYMBOL_PREFIX          lzma_
#define TUKLIB_FAST_UNALIGNED_ACCESS  1
#define SIZEOF_SIZE_T                 8
#define PACKAGE_NAME                  "XZ Utils"
#define PACKAGE_BUGREPORT             ""
#define PACKAGE_URL                   ""
#define NDEBUG                        1
#define LZMA_API_STATIC               1

/* lz_decoder comes first because a header read later looks for it; the numbered names below are
 * those that two of these files both give to a state of theirs. */
#include "xz/src/liblzma/lz/lz_decoder.c"

#include "xz/src/liblzma/lzma/lzma2_decoder.c"
#define SEQ_COPY SEQ_COPY_2
#include "xz/src/liblzma/lzma/lzma_decoder.c"

#include "xz/src/liblzma/check/check.c"
#include "xz/src/liblzma/check/crc32_fast.c"
#include "xz/src/liblzma/check/crc32_table.c"
#include "xz/src/liblzma/check/crc64_fast.c"
#include "xz/src/liblzma/check/crc64_table.c"
#include "xz/src/liblzma/check/sha256.c"
#include "xz/src/liblzma/common/block_decoder.c"
#include "xz/src/liblzma/common/block_header_decoder.c"
#include "xz/src/liblzma/common/block_util.c"
#include "xz/src/liblzma/common/common.c"
#include "xz/src/liblzma/common/filter_common.c"
#include "xz/src/liblzma/common/filter_decoder.c"
#include "xz/src/liblzma/common/filter_flags_decoder.c"
#define SEQ_PADDING SEQ_PADDING_2
#include "xz/src/liblzma/common/index_hash.c"
#undef SEQ_PADDING
#include "xz/src/liblzma/common/stream_decoder.c"
#include "xz/src/liblzma/common/stream_flags_common.c"
#include "xz/src/liblzma/common/stream_flags_decoder.c"
#include "xz/src/liblzma/common/vli_decoder.c"
#include "xz/src/liblzma/common/vli_size.c"
