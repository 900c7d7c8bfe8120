/* The messages as a module of Python: a class for each, tables of the operations and errors, and
 * behind them what python.def holds. */
#include "wire/codec.h"
#include "wire/schema_code.h"

static const struct {
    const char *name, *standard;
} types[] = {
    [TYPE_u8] = { "int", "0" },
    [TYPE_u32] = { "int", "0" },
    [TYPE_u64] = { "int", "0" },
    [TYPE_i32] = { "int", "0" },
    [TYPE_i64] = { "int", "0" },
    [TYPE_f64] = { "float", "0.0" },
    [TYPE_bool] = { "bool", "False" },
    [TYPE_str] = { "str", "''" },
    [TYPE_bytes] = { "bytes", "b''" },
    [TYPE_request] = { "object", "None" },
    [TYPE_response] = { "object", "None" },
};

static void put_type(struct buf *out, const struct field *f)
{
    static const char *const heads[] = { "", "Optional[", "List[" };
    buf_str(out, str_of(heads[f->many]));
    if (f->type == TYPE_message) schema_camel(out, f->type_name);
    else buf_str(out, str_of(types[f->type].name));
    if (f->many != MANY_one) buf_byte(out, ']');
}

static void put_standard(struct buf *out, const struct field *f)
{
    if (f->many == MANY_list) buf_str(out, S("dataclasses.field(default_factory=list)"));
    else if (f->many == MANY_opt || f->type == TYPE_message) buf_str(out, S("None"));
    else buf_str(out, str_of(types[f->type].standard));
}

/* What encoder and decoder go by. */
static void put_layout(struct buf *out, const struct shape *shape)
{
    static const char *const many[] = { "one", "opt", "list" };
    buf_str(out, S("    _fields = ("));
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *f = &shape->fields[i];
        buf_print(out, "\n        ('%s', '%s', ", f->name, many[f->many]);
        if (f->type == TYPE_message) schema_camel(out, f->type_name);
        else buf_print(out, "'%s'", f->type_name);
        buf_str(out, S("),"));
    }
    buf_str(out, shape->count ? S("\n    )\n") : S(")\n"));
}

static void put_class(struct buf *out, const struct shape *shape)
{
    buf_str(out, S("\n\n@dataclasses.dataclass\nclass "));
    schema_camel(out, shape->name);
    buf_print(out, ":\n    '''%s'''\n\n", shape->help);
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *f = &shape->fields[i];
        buf_print(out, "    #: %s\n    %s: ", f->help, f->name);
        put_type(out, f);
        buf_str(out, S(" = "));
        put_standard(out, f);
        buf_byte(out, '\n');
    }
    put_layout(out, shape);
}

static void put_operations(struct buf *out)
{
    buf_str(out, S("\n\nclass Operation(NamedTuple):\n    number: int\n    name: str\n"
                   "    request: type\n    result: type\n    public: bool\n"
                   "\n\n#: By number.\nOPERATIONS = (\n"));
    for (enum op op = 0; op < OP_COUNT; op++) {
        const struct op_row *row = op_row(op);
        buf_print(out, "    Operation(%u, '%s', ", (unsigned)row->number, row->name);
        schema_camel(out, shape_of(row->request)->name);
        buf_str(out, S(", "));
        schema_camel(out, shape_of(row->result)->name);
        buf_str(out, row->served == SERVED_HOUSE ? S(", False),\n") : S(", True),\n"));
    }
    buf_str(out, S(")\n"));
}

static void put_errors(struct buf *out)
{
    buf_str(out, S("\n#: Names by code.\nERRORS = {\n"));
    for (enum err e = OK + 1; e < ERR_COUNT; e++)
        buf_print(out, "    %d: '%s',\n", (int)err_row(e)->code, err_row(e)->name);
    buf_str(out, S("}\n\n"));
}

void schema_python(struct buf *out)
{
    static const char *const lines[] = {
#define LINE(text) text "\n",
#include "wire/python.def"
#undef LINE
    };
    buf_print(
        out,
        "'''The messages of omg and a client for them, made by `omg schema --format python`.\n"
        "\nPython 3.9 or newer, and nothing else.\n'''\n\n"
        "import dataclasses\nimport os\nimport select\nimport socket\nimport struct\n"
        "import time\nfrom typing import List, NamedTuple, Optional, Tuple\n\n"
        "#: The same number means the same tables; Hello gives that of the daemon.\n"
        "SCHEMA_HASH = 0x%016llx\n",
        (unsigned long long)codec_schema_hash());
    for (enum message m = 0; m < MESSAGE_COUNT; m++) put_class(out, shape_of(m));
    put_operations(out);
    put_errors(out);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) buf_str(out, str_of(lines[i]));
}
