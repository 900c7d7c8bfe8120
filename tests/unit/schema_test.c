/* The tables themselves, and how they are printed. */
#include "wire/codec.h"
#include "wire/schema_code.h"
#include "wire/schema_print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <yyjson.h>

#include <cmocka.h>

static void numbers_and_names_of_operations_are_their_own(void **state)
{
    (void)state;
    for (enum op a = 0; a < OP_COUNT; a++) {
        enum op found = OP_COUNT;
        assert_true(op_of_number(op_row(a)->number, &found) && found == a);
        assert_true(op_of_name(str_of(op_row(a)->name), &found) && found == a);
    }
}

static void the_first_numbers_stay(void **state)
{
    (void)state;
    static const char *const names[] = { "search",         "info",   "status",      "explicit",
                                         "security_audit", "ping",   "cache_stats", "cache_clear",
                                         "batch",          "suggest" };
    for (uint32_t n = 0; n < 10; n++) {
        enum op op;
        assert_true(op_of_number(n, &op));
        assert_string_equal(op_row(op)->name, names[n]);
    }
}

/* JSON puts these beside a request's fields, and a bit of a word stands for each field. */
static void no_request_has_a_field_of_the_envelope(void **state)
{
    (void)state;
    for (enum op op = 0; op < OP_COUNT; op++) {
        const struct shape *shape = shape_of(op_row(op)->request);
        for (size_t i = 0; i < shape->count; i++) {
            assert_string_not_equal(shape->fields[i].name, "id");
            assert_string_not_equal(shape->fields[i].name, "operation");
        }
    }
    for (enum message m = 0; m < MESSAGE_COUNT; m++) assert_true(shape_of(m)->count <= 64);
}

static void every_field_is_described(void **state)
{
    (void)state;
    for (enum message m = 0; m < MESSAGE_COUNT; m++) {
        const struct shape *shape = shape_of(m);
        for (size_t i = 0; i < shape->count; i++) {
            const struct field *f = &shape->fields[i];
            assert_true(*f->help != 0);
            assert_true(f->value_offset +
                            (f->many == MANY_list ? sizeof(struct any_list) : f->size) <=
                        shape->size);
            if (f->type == TYPE_message) assert_true(f->of < m);
        }
    }
}

static void it_is_printed_in_every_form(void **state)
{
    (void)state;
    for (enum form form = FORM_AUTO; form <= FORM_MDOC; form++) {
        struct buf out = buf_make(1 << 20);
        schema_print(&out, form);
        assert_false(out.full);
        for (enum message m = 0; m < MESSAGE_COUNT; m++)
            assert_true(str_has(buf_view(&out), str_of(shape_of(m)->name)));
        assert_true(str_has(buf_view(&out), S("PACKAGE_NOT_FOUND")));
        buf_free(&out);
    }
}

/* The sources that are printed take the fields' names as they are. */
static void no_field_is_a_word_of_another_language(void **state)
{
    (void)state;
    static const char words[] =
        " abstract and as assert async await become box break class const continue crate def del "
        "do "
        "dyn elif else enum except extern final finally fn for from global if impl import in is "
        "lambda let loop macro match mod move mut nonlocal not or override pass priv pub raise ref "
        "return self static struct super trait true try type typeof unsafe unsized use virtual "
        "where while with yield ";
    for (enum message m = 0; m < MESSAGE_COUNT; m++) {
        const struct shape *shape = shape_of(m);
        for (size_t i = 0; i < shape->count; i++) {
            char word[64];
            snprintf(word, sizeof word, " %s ", shape->fields[i].name);
            assert_false(str_has(str_of(words), str_of(word)));
        }
    }
}

static void sources_have_every_operation_and_message(void **state)
{
    (void)state;
    for (enum form form = FORM_RUST; form <= FORM_PYTHON; form++) {
        struct buf out = buf_make(1 << 20);
        schema_print(&out, form);
        assert_false(out.full);
        for (enum op op = 0; op < OP_COUNT; op++) {
            struct buf name = buf_make(1 << 16);
            schema_camel(&name, shape_of(op_row(op)->result)->name);
            assert_true(str_has(buf_view(&out), buf_view(&name)));
            buf_free(&name);
        }
        assert_true(str_has(buf_view(&out), S("PACKAGE_NOT_FOUND")));
        buf_free(&out);
    }
}

static void its_hash_is_one_of_its_own(void **state)
{
    (void)state;
    char hash[32];
    struct buf out = buf_make(1 << 20);
    assert_true(codec_schema_hash() == codec_schema_hash());
    snprintf(hash, sizeof hash, "0x%016llx", (unsigned long long)codec_schema_hash());
    schema_print(&out, FORM_PYTHON);
    assert_true(str_has(buf_view(&out), str_of(hash)));
    buf_free(&out);
}

static void its_json_is_json(void **state)
{
    (void)state;
    struct buf out = buf_make(1 << 20);
    schema_print(&out, FORM_JSON);
    yyjson_doc *doc = yyjson_read(out.at, out.len, 0);
    assert_non_null(doc);
    yyjson_val *ops = yyjson_obj_get(yyjson_doc_get_root(doc), "operations");
    assert_int_equal(yyjson_arr_size(ops), OP_COUNT);
    assert_string_equal(yyjson_get_str(yyjson_obj_get(yyjson_arr_get_first(ops), "name")),
                        "search");
    yyjson_doc_free(doc);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_names_of_operations_are_their_own),
        cmocka_unit_test(the_first_numbers_stay),
        cmocka_unit_test(no_request_has_a_field_of_the_envelope),
        cmocka_unit_test(every_field_is_described),
        cmocka_unit_test(it_is_printed_in_every_form),
        cmocka_unit_test(no_field_is_a_word_of_another_language),
        cmocka_unit_test(sources_have_every_operation_and_message),
        cmocka_unit_test(its_hash_is_one_of_its_own),
        cmocka_unit_test(its_json_is_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
