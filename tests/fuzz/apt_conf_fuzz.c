/* Any bytes as apt.conf: they are read to the end or noted, every item is found under its name with
 * its value, and a list gives its items in the order of definition. */
#include "package_root.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_list(const struct apt_conf *c, const struct apt_item *parent)
{
    struct str value;
    const struct apt_item *last = NULL;
    size_t at = 0;
    for (uint32_t place = parent->first; place; place = c->at[place - 1].next) {
        const struct apt_item *i = &c->at[place - 1];
        demand(i > last && str_starts(i->name, parent->name));
        last = i;
        if (parent->value.len) continue;
        demand(apt_conf_next(c, parent->name, &at, &value));
        demand(value.at == i->value.at && value.len == i->value.len);
    }
    if (!parent->value.len) demand(!apt_conf_next(c, parent->name, &at, &value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct inputs in;
    struct apt_conf c;

    fuzz_write(FUZZ_CONF, (struct str){ (const char *)data, size });
    fuzz_inputs(&a, &in);
    demand(apt_conf_read(&in, &c) == OK);
    for (size_t i = 0; i < c.len; i++) {
        const struct apt_item *item = &c.at[i];
        if (item->name.len == 0) continue; /* cleared */
        if (str_ends(item->name, S("::"))) continue;
        demand(str_eq(apt_conf_find(&c, item->name, S("")), item->value));
        check_list(&c, item);
        struct str path = apt_conf_path(&c, &a, item->name);
        demand(!str_starts(path, S("/")) && !str_ends(path, S("/")));
    }
    arena_close(&a);
    return 0;
}
