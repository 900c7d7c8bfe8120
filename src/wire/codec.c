/* What both ends can compare before they trust each other's tables. */
#include "wire/codec.h"

#include "base/hash.h"

static uint64_t add(uint64_t hash, const char *word)
{
    return hash_fold(hash, hash_str(str_of(word)));
}

uint64_t codec_schema_hash(void)
{
    uint64_t hash = 0;
    for (enum op op = 0; op < OP_COUNT; op++) {
        const struct op_row *row = op_row(op);
        hash = add(hash_fold(hash, row->number), row->name);
        hash = add(add(hash, shape_of(row->request)->name), shape_of(row->result)->name);
    }
    for (enum message m = 0; m < MESSAGE_COUNT; m++) {
        const struct shape *shape = shape_of(m);
        hash = add(hash_fold(hash, shape->count), shape->name);
        for (size_t i = 0; i < shape->count; i++) {
            hash = add(hash_fold(hash, shape->fields[i].many), shape->fields[i].name);
            hash = add(hash, shape->fields[i].type_name);
        }
    }
    return hash;
}
