/* The tables themselves, and how they are printed. */
#include "wire/json.h"
#include "wire/schema_print.h"

#include <setjmp.h>
#include <stdarg.h>
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
        cmocka_unit_test(its_json_is_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
