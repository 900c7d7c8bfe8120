/* What unpack makes of every format: what the formats' own tools packed, parts of it, bombs, rows
 * of members, wrong sizes and what strangers might put behind. */
#include "test.h"

#include <unistd.h>

#include "base/unpack.h"

enum { MIB = 1 << 20, LIMIT = 64 * MIB };

static const struct tool {
    enum packing p;
    const char *command;
} tools[] = {
    { PACKING_GZIP, "gzip -c" },
    { PACKING_GZIP, "gzip -1 -c" },
    { PACKING_BZIP2, "bzip2 -c" },
    { PACKING_LZ4, "lz4 -q -c" },
    { PACKING_LZ4, "lz4 -q -4 -B4 -BD --content-size -c" },
    { PACKING_XZ, "xz -1 -c" },
    { PACKING_XZ, "xz -0 --check=sha256 --block-size=10000 -c" },
    { PACKING_ZSTD, "zstd -q -c" },
    { PACKING_ZSTD, "zstd -q -c --no-check --no-content-size" },
    { PACKING_ZSTD, "zstd -q -5 --long=20 -c" },
};

enum { TOOLS = sizeof tools / sizeof *tools };

/* A file in a folder of its own, gone when the test ends. */
static char path[] = "/tmp/omg-unpack.XXXXXX";

static void run(struct buf *out, const char *command)
{
    char line[256];
    snprintf(line, sizeof line, "%s <%s", command, path);
    FILE *f = popen(line, "r");
    assert_non_null(f);
    char part[4096];
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;) buf_put(out, part, n);
    assert_int_equal(pclose(f), 0);
}

/* What the tool makes of plain. The caller frees it. */
static struct buf packed_by(const struct tool *t, struct str plain)
{
    struct buf b = buf_make(LIMIT);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    if (plain.len) assert_int_equal(fwrite(plain.at, 1, plain.len, f), plain.len);
    assert_int_equal(fclose(f), 0);
    run(&b, t->command);
    return b;
}

/* Text that packs neither too well nor too badly. The caller frees it. */
static struct buf text(size_t size)
{
    struct buf b = buf_make(LIMIT);
    uint32_t x = 1;
    while (b.len < size) {
        x = x * 1664525 + 1013904223;
        buf_print(&b, "Package: lib%u\nVersion: %u.%u\n\n", x >> 20, (x >> 8) & 15, x & 7);
    }
    b.len = size;
    return b;
}

static void expect_text(struct str got, struct str plain)
{
    assert_int_equal(got.len, plain.len);
    if (plain.len) assert_memory_equal(got.at, plain.at, plain.len);
}

static void expect_beginning(struct str got, struct str plain)
{
    assert_true(got.len <= plain.len);
    if (got.len) assert_memory_equal(got.at, plain.at, got.len);
}

static void every_tool_s_file_is_told_by_its_content_and_unpacked(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 1, 100, 70000, 3 * MIB };

    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        struct buf plain = text(sizes[s]);
        for (size_t t = 0; t < TOOLS; t++) {
            struct buf packed = packed_by(&tools[t], buf_view(&plain)), out = buf_make(LIMIT);
            buf_str(&out, S("before"));
            assert_int_equal(packing_of(str_head(buf_view(&packed), 6)), tools[t].p);
            assert_int_equal(unpack(buf_view(&packed), tools[t].p, LIMIT - 6, &out), OK);
            expect_text(str_head(buf_view(&out), 6), S("before"));
            expect_text(str_from(buf_view(&out), 6), buf_view(&plain));
            buf_free(&packed);
            buf_free(&out);
        }
        buf_free(&plain);
    }
}

static void a_limit_of_exactly_the_size_is_enough(void **state)
{
    (void)state;
    static const size_t sizes[] = { 100, 65536, 300000 };

    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        struct buf plain = text(sizes[s]);
        for (size_t t = 0; t < TOOLS; t++) {
            struct buf packed = packed_by(&tools[t], buf_view(&plain));
            struct buf out = buf_make(LIMIT), exact = buf_make(plain.len);
            assert_int_equal(unpack(buf_view(&packed), tools[t].p, plain.len, &out), OK);
            expect_text(buf_view(&out), buf_view(&plain));
            assert_int_equal(unpack(buf_view(&packed), tools[t].p, LIMIT, &exact), OK);
            expect_text(buf_view(&exact), buf_view(&plain));
            buf_free(&packed);
            buf_free(&out);
            buf_free(&exact);
        }
        buf_free(&plain);
    }
}

static void one_byte_more_than_the_limit_is_refused_and_the_rest_stays(void **state)
{
    (void)state;
    struct buf plain = text(300000);

    for (size_t t = 0; t < TOOLS; t++) {
        struct buf packed = packed_by(&tools[t], buf_view(&plain));
        struct buf out = buf_make(LIMIT);
        enum err e = unpack(buf_view(&packed), tools[t].p, plain.len - 1, &out);
        assert_int_equal(e, ERR_RESOURCE_LIMIT);
        expect_text(buf_view(&out), str_head(buf_view(&plain), plain.len - 1));
        buf_free(&packed);
        buf_free(&out);
    }
    buf_free(&plain);
}

static void the_buffer_s_own_limit_counts_too(void **state)
{
    (void)state;
    struct buf plain = text(300000);

    for (size_t t = 0; t < TOOLS; t++) {
        struct buf packed = packed_by(&tools[t], buf_view(&plain));
        struct buf out = buf_make(100000);
        assert_int_equal(unpack(buf_view(&packed), tools[t].p, LIMIT, &out), ERR_RESOURCE_LIMIT);
        assert_true(out.len <= 100000);
        expect_beginning(buf_view(&out), buf_view(&plain));
        assert_int_equal(unpack(buf_view(&packed), tools[t].p, 0, &out), ERR_RESOURCE_LIMIT);
        buf_free(&packed);
        buf_free(&out);
    }
    buf_free(&plain);
}

static void a_bomb_costs_no_more_than_the_limit(void **state)
{
    (void)state;
    struct buf zeros = buf_make(LIMIT);
    buf_repeat(&zeros, '\0', 32 * MIB);

    for (size_t t = 0; t < TOOLS; t++) {
        struct buf packed = packed_by(&tools[t], buf_view(&zeros));
        struct buf out = buf_make(LIMIT);
        assert_true(packed.len < MIB);
        assert_int_equal(unpack(buf_view(&packed), tools[t].p, MIB, &out), ERR_RESOURCE_LIMIT);
        assert_int_equal(out.len, MIB);
        assert_true(out.room <= 2 * MIB);
        buf_free(&packed);
        buf_free(&out);
    }
    buf_free(&zeros);
}

static void every_truncation_is_damage(void **state)
{
    (void)state;
    struct buf plain = text(700);

    for (size_t t = 0; t < TOOLS; t++) {
        struct buf packed = packed_by(&tools[t], buf_view(&plain));
        for (size_t cut = 0; cut < packed.len; cut++) {
            /* A block of its own, so that the sanitizer sees a read past the cut. */
            char *part = malloc(cut ? cut : 1);
            assert_non_null(part);
            memcpy(part, packed.at, cut);
            struct buf out = buf_make(LIMIT);
            assert_int_equal(unpack((struct str){ part, cut }, tools[t].p, LIMIT, &out),
                             ERR_DAMAGED);
            free(part);
            buf_free(&out);
        }
        buf_free(&packed);
    }
    buf_free(&plain);
}

/* Formats work in blocks of up to 4 MiB; a text of many blocks shows that those before a cut
 * survive it. */
static void what_came_before_a_cut_stays(void **state)
{
    (void)state;
    struct buf plain = text(12 * MIB);

    for (size_t t = 0; t < TOOLS; t++) {
        struct buf packed = packed_by(&tools[t], buf_view(&plain)), out = buf_make(LIMIT);
        struct str half = str_head(buf_view(&packed), packed.len / 2);
        assert_int_equal(unpack(half, tools[t].p, LIMIT, &out), ERR_DAMAGED);
        if (out.len < MIB) fail_msg("%s: %zu bytes", tools[t].command, out.len);
        /* What deflate makes of the zeros that it imagines behind the end is not to be relied on.
         */
        expect_beginning(str_head(buf_view(&out), out.len - 64), buf_view(&plain));
        buf_free(&packed);
        buf_free(&out);
    }
    buf_free(&plain);
}

static void a_changed_byte_never_goes_unnoticed_where_there_is_a_checksum(void **state)
{
    (void)state;
    struct buf plain = text(MIB);

    for (size_t t = 0; t < TOOLS; t++) {
        if (strstr(tools[t].command, "--no-check")) continue;
        struct buf packed = packed_by(&tools[t], buf_view(&plain)), out = buf_make(LIMIT);
        packed.at[packed.len * 3 / 4] ^= 0x10;
        assert_int_equal(unpack(buf_view(&packed), tools[t].p, LIMIT, &out), ERR_DAMAGED);
        assert_true(out.len > 0);
        buf_free(&packed);
        buf_free(&out);
    }
    buf_free(&plain);
}

static void members_in_a_row_are_all_unpacked(void **state)
{
    (void)state;
    struct buf plain = text(50000);

    for (size_t t = 0; t < TOOLS; t++) {
        struct buf packed = packed_by(&tools[t], buf_view(&plain)), row = buf_make(LIMIT);
        struct buf empty = packed_by(&tools[t], STR_NONE), out = buf_make(LIMIT);
        buf_str(&row, buf_view(&packed));
        buf_str(&row, buf_view(&empty));
        buf_str(&row, buf_view(&packed));
        buf_str(&row, buf_view(&empty));
        assert_int_equal(unpack(buf_view(&row), tools[t].p, 2 * plain.len, &out), OK);
        assert_int_equal(out.len, 2 * plain.len);
        expect_text(str_head(buf_view(&out), plain.len), buf_view(&plain));
        expect_text(str_from(buf_view(&out), plain.len), buf_view(&plain));
        buf_free(&packed);
        buf_free(&empty);
        buf_free(&row);
        buf_free(&out);
    }
    buf_free(&plain);
}

static void zeros_behind_are_padding_and_anything_else_is_damage(void **state)
{
    (void)state;
    struct buf plain = text(50000);

    for (size_t t = 0; t < TOOLS; t++) {
        struct buf packed = packed_by(&tools[t], buf_view(&plain)), out = buf_make(LIMIT);
        buf_repeat(&packed, '\0', 512);
        assert_int_equal(unpack(buf_view(&packed), tools[t].p, LIMIT, &out), OK);
        expect_text(buf_view(&out), buf_view(&plain));
        out.len = 0;
        buf_str(&packed, S("and something else"));
        assert_int_equal(unpack(buf_view(&packed), tools[t].p, LIMIT, &out), ERR_DAMAGED);
        expect_text(buf_view(&out), buf_view(&plain));
        buf_free(&packed);
        buf_free(&out);
    }
    buf_free(&plain);
}

static void a_stated_size_is_only_a_hint(void **state)
{
    (void)state;
    struct buf plain = text(50000);

    /* gzip's size comes last: a wrong one is damage, and costs no more memory than the data can
     * become. */
    struct buf packed = packed_by(&tools[0], buf_view(&plain)), out = buf_make(LIMIT);
    memset(packed.at + packed.len - 4, 0xff, 4);
    assert_int_equal(unpack(buf_view(&packed), PACKING_GZIP, LIMIT, &out), ERR_DAMAGED);
    expect_text(buf_view(&out), buf_view(&plain));
    assert_true(out.room <= MIB);
    buf_free(&packed);
    buf_free(&out);

    /* A zstd frame that states 2^62 bytes (magic, header with an 8-byte size, one raw block). */
    static const char lying[] = "\x28\xb5\x2f\xfd\xe0\0\0\0\0\0\0\0\x40\x19\0\0abc";
    out = buf_make(LIMIT);
    assert_true(unpack((struct str){ lying, sizeof lying - 1 }, PACKING_ZSTD, LIMIT, &out) != OK);
    assert_true(out.room <= MIB);
    buf_free(&out);
}

static void a_dictionary_of_gigabytes_is_refused(void **state)
{
    (void)state;
    struct buf plain = text(5000), out = buf_make(LIMIT);
    const struct tool huge = { PACKING_XZ, "xz -c --lzma2=dict=512MiB,mode=fast,mf=hc3,nice=2" };
    struct buf packed = packed_by(&huge, buf_view(&plain));

    assert_int_equal(unpack(buf_view(&packed), PACKING_XZ, LIMIT, &out), ERR_RESOURCE_LIMIT);
    buf_free(&packed);
    buf_free(&plain);
    buf_free(&out);
}

static void a_filter_that_is_not_built_in_is_unsupported(void **state)
{
    (void)state;
    struct buf plain = text(5000), out = buf_make(LIMIT);
    const struct tool odd = { PACKING_XZ, "xz -c --delta=dist=4 --lzma2" };
    struct buf packed = packed_by(&odd, buf_view(&plain));

    assert_int_equal(unpack(buf_view(&packed), PACKING_XZ, LIMIT, &out), ERR_UNSUPPORTED);
    buf_free(&packed);
    buf_free(&plain);
    buf_free(&out);
}

static void plain_bytes_pass_and_keep_the_limit(void **state)
{
    (void)state;
    struct buf out = buf_make(LIMIT);

    assert_int_equal(packing_of(S("Package: x\n")), PACKING_NONE);
    assert_int_equal(packing_of(S("")), PACKING_NONE);
    assert_int_equal(packing_of(S("\x1f\x8b")), PACKING_NONE);
    assert_int_equal(unpack(S("Package"), PACKING_NONE, 7, &out), OK);
    expect_text(buf_view(&out), S("Package"));
    assert_int_equal(unpack(S("Package"), PACKING_NONE, 6, &out), ERR_RESOURCE_LIMIT);
    expect_text(buf_view(&out), S("PackagePackag"));
    assert_int_equal(unpack(S(""), PACKING_NONE, 0, &out), OK);
    buf_free(&out);
}

static void the_wrong_format_is_damage(void **state)
{
    (void)state;
    struct buf plain = text(5000);

    for (size_t t = 0; t < TOOLS; t++) {
        struct buf packed = packed_by(&tools[t], buf_view(&plain));
        for (enum packing p = PACKING_NONE + 1; p < PACKING_COUNT; p++) {
            if (p == tools[t].p) continue;
            struct buf out = buf_make(LIMIT);
            assert_int_equal(unpack(buf_view(&packed), p, LIMIT, &out), ERR_DAMAGED);
            assert_int_equal(out.len, 0);
            buf_free(&out);
        }
        buf_free(&packed);
    }
    buf_free(&plain);
}

static void every_format_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(packing_name(PACKING_NONE), "none");
    assert_string_equal(packing_name(PACKING_ZSTD), "zstd");
    assert_string_equal(packing_name(PACKING_COUNT), "none");
}

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tool_s_file_is_told_by_its_content_and_unpacked),
        cmocka_unit_test(a_limit_of_exactly_the_size_is_enough),
        cmocka_unit_test(one_byte_more_than_the_limit_is_refused_and_the_rest_stays),
        cmocka_unit_test(the_buffer_s_own_limit_counts_too),
        cmocka_unit_test(a_bomb_costs_no_more_than_the_limit),
        cmocka_unit_test(every_truncation_is_damage),
        cmocka_unit_test(what_came_before_a_cut_stays),
        cmocka_unit_test(a_changed_byte_never_goes_unnoticed_where_there_is_a_checksum),
        cmocka_unit_test(members_in_a_row_are_all_unpacked),
        cmocka_unit_test(zeros_behind_are_padding_and_anything_else_is_damage),
        cmocka_unit_test(a_stated_size_is_only_a_hint),
        cmocka_unit_test(a_dictionary_of_gigabytes_is_refused),
        cmocka_unit_test(a_filter_that_is_not_built_in_is_unsupported),
        cmocka_unit_test(plain_bytes_pass_and_keep_the_limit),
        cmocka_unit_test(the_wrong_format_is_damage),
        cmocka_unit_test(every_format_has_a_name),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
