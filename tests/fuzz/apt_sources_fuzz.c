/* Any bytes as sources.list, as a .sources file and as preferences: what comes out is a URI with a
 * '/' at its end and a suite each, no more than the limit, and no name of a list leaves its folder;
 * a pin has a type that is known and a priority. */
#include "package_root.h"

#include "pkg/apt_sources.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_sources(struct inputs *in, const struct apt_conf *c,
                          const struct apt_archs *archs)
{
    struct apt_sources s;
    demand(apt_sources_read(in, c, archs, &s) == OK);
    demand(s.len <= APT_SOURCES);
    for (size_t i = 0; i < s.len; i++) {
        const struct apt_source *one = &s.at[i];
        struct apt_uri u;
        demand(str_ends(one->uri, S("/")) && str_has(one->uri, S(":")) && one->suite.len > 0);
        demand(str_ends(one->suite, S("/")) == (one->component.at == NULL));
        demand(apt_uri_split(in->arena, one->uri, &u));
        struct str name = apt_uri_name(in->arena, &u);
        demand(name.at && !str_has(name, S("/")));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size };
    struct arena a;
    struct inputs in;
    struct apt_conf c;
    struct apt_archs archs;
    struct apt_files files;
    struct apt_pins pins;

    fuzz_write(FUZZ_LIST, text);
    fuzz_write(FUZZ_SOURCES, text);
    fuzz_write(FUZZ_PREFERENCES, text);
    fuzz_inputs(&a, &in);
    demand(apt_conf_read(&in, &c) == OK);
    demand(apt_archs_read(&in, &c, S("amd64"), &archs) == OK);
    check_sources(&in, &c, &archs);
    demand(apt_files_read(&in, &c, &archs, &files) == OK);
    demand(apt_pins_read(&in, &c, &pins) == OK);
    for (size_t i = 0; i < pins.len; i++) {
        struct str type = pins.at[i].type;
        demand(str_eq(type, S("release")) || str_eq(type, S("origin")) ||
               str_eq(type, S("version")));
        demand(pins.at[i].priority != 0);
    }
    struct apt_file file = {
        .archive = S("stable"), .version = S("12"), .component = S("main"), .arch = S("amd64")
    };
    files = (struct apt_files){ &file, 1 };
    apt_pins_apply(&pins, &c, &files);
    apt_pins_find(&pins, S("foo"), S("amd64"), S("amd64"), S("bar"), S("1.0-1"), &file);
    arena_close(&a);
    return 0;
}
