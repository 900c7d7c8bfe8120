/* The messages as types of Rust. A request's fields stand in its variant, as in the documents of
 * the protocol's first version; a result is a struct of its own, which takes the same bytes as the
 * bare value or the tuple that those have in places. */
#include "wire/codec.h"
#include "wire/schema_code.h"

static const char *const types[] = {
    [TYPE_u8] = "u8",           [TYPE_u32] = "u32",           [TYPE_u64] = "u64",
    [TYPE_i32] = "i32",         [TYPE_i64] = "i64",           [TYPE_f64] = "f64",
    [TYPE_bool] = "bool",       [TYPE_str] = "String",        [TYPE_bytes] = "Vec<u8>",
    [TYPE_request] = "Request", [TYPE_response] = "Response",
};

static const char derive[] = "#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]\n";

void schema_camel(struct buf *out, const char *name)
{
    bool first = true;
    for (const char *c = name; *c; c++) {
        if (*c != '_') buf_byte(out, first && *c >= 'a' && *c <= 'z' ? (char)(*c - 32) : *c);
        first = *c == '_';
    }
}

static void put_type(struct buf *out, const struct field *f)
{
    /* A request directly within a request would make a type without end. */
    static const char *const heads[] = { "", "Option<", "Vec<" };
    bool boxed = f->many != MANY_list && (f->type == TYPE_request || f->type == TYPE_response);
    buf_str(out, str_of(heads[f->many]));
    if (boxed) buf_str(out, S("Box<"));
    if (f->type == TYPE_message) schema_camel(out, f->type_name);
    else buf_str(out, str_of(types[f->type]));
    if (boxed) buf_byte(out, '>');
    if (f->many != MANY_one) buf_byte(out, '>');
}

static void put_fields(struct buf *out, const struct shape *shape, const char *indent,
                       const char *visible)
{
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *f = &shape->fields[i];
        buf_print(out, "%s/// %s\n%s%s%s: ", indent, f->help, indent, visible, f->name);
        put_type(out, f);
        buf_str(out, S(",\n"));
    }
}

static bool is_request(enum message m)
{
    for (enum op op = 0; op < OP_COUNT; op++)
        if (op_row(op)->request == m) return true;
    return false;
}

static void put_struct(struct buf *out, const struct shape *shape)
{
    buf_print(out, "\n/// %s\n%spub struct ", shape->help, derive);
    schema_camel(out, shape->name);
    buf_str(out, shape->count ? S(" {\n") : S(" {"));
    put_fields(out, shape, "    ", "pub ");
    buf_str(out, S("}\n"));
}

static void put_requests(struct buf *out)
{
    buf_print(out, "\n/// Every request; the order of the variants is their numbers.\n%s", derive);
    buf_str(out, S("pub enum Request {\n"));
    for (enum op op = 0; op < OP_COUNT; op++) {
        buf_print(out, "    /// %s\n    ", op_row(op)->help);
        schema_camel(out, op_row(op)->name);
        if (!shape_of(op_row(op)->request)->count) {
            buf_str(out, S(" { id: u64 },\n"));
            continue;
        }
        buf_str(out, S(" {\n        id: u64,\n"));
        put_fields(out, shape_of(op_row(op)->request), "        ", "");
        buf_str(out, S("    },\n"));
    }
    buf_str(out, S("}\n"));
}

static void put_results(struct buf *out)
{
    buf_print(out, "\n/// What a request is answered with, under the request's number.\n%s",
              derive);
    buf_str(out, S("pub enum ResponseResult {\n"));
    for (enum op op = 0; op < OP_COUNT; op++) {
        buf_str(out, S("    "));
        schema_camel(out, op_row(op)->name);
        buf_byte(out, '(');
        schema_camel(out, shape_of(op_row(op)->result)->name);
        buf_str(out, S("),\n"));
    }
    buf_str(out, S("}\n"));
}

static void put_ids(struct buf *out)
{
    buf_str(out, S("\nimpl Request {\n    pub fn id(&self) -> u64 {\n        match self {\n"));
    for (enum op op = 0; op < OP_COUNT; op++) {
        buf_str(out, op ? S("            | Request::") : S("            Request::"));
        schema_camel(out, op_row(op)->name);
        buf_str(out, op + 1 < OP_COUNT ? S(" { id, .. }\n") : S(" { id, .. } => *id,\n"));
    }
    buf_str(out, S("        }\n    }\n}\n"));
}

static void put_errors(struct buf *out)
{
    buf_str(out, S("\npub mod error_codes {\n"));
    for (enum err e = OK + 1; e < ERR_COUNT; e++)
        buf_print(out, "    /// %s\n    pub const %s: i32 = %d;\n", err_row(e)->sentence,
                  err_row(e)->name, (int)err_row(e)->code);
    buf_str(out, S("}\n"));
}

/* The numbers of the kinds are enum response_kind's. */
static const char responses[] = "pub enum Response {\n"
                                "    Success {\n"
                                "        id: u64,\n"
                                "        result: ResponseResult,\n"
                                "    },\n"
                                "    Error {\n"
                                "        id: u64,\n"
                                "        code: i32,\n"
                                "        message: String,\n"
                                "    },\n"
                                "    Event {\n"
                                "        id: u64,\n"
                                "        sequence: u64,\n"
                                "        result: ResponseResult,\n"
                                "    },\n"
                                "    Failure {\n"
                                "        id: u64,\n"
                                "        code: i32,\n"
                                "        message: String,\n"
                                "        details: Vec<(String, String)>,\n"
                                "    },\n"
                                "}\n\n"
                                "impl Response {\n"
                                "    pub fn id(&self) -> u64 {\n"
                                "        match self {\n"
                                "            Response::Success { id, .. }\n"
                                "            | Response::Error { id, .. }\n"
                                "            | Response::Event { id, .. }\n"
                                "            | Response::Failure { id, .. } => *id,\n"
                                "        }\n"
                                "    }\n"
                                "}\n";

void schema_rust(struct buf *out)
{
    buf_print(out,
              "//! The messages of omg, made by `omg schema --format rust`.\n//!\n"
              "//! bincode 1.3 with its standard settings writes them as they are on the wire. A "
              "frame is the\n//! length of the payload as a big-endian u32, then the payload.\n\n"
              "use serde::{Deserialize, Serialize};\n\n"
              "/// The same number means the same tables; Hello gives that of the daemon.\n"
              "pub const SCHEMA_HASH: u64 = 0x%016llx;\n",
              (unsigned long long)codec_schema_hash());
    for (enum message m = 0; m < MESSAGE_COUNT; m++)
        if (!is_request(m)) put_struct(out, shape_of(m));
    put_requests(out);
    put_ids(out);
    put_results(out);
    buf_print(out, "\n/// Every response; the order of the variants is their numbers.\n%s%s",
              derive, responses);
    put_errors(out);
}
