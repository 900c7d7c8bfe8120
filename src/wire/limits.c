#include "wire/limits.h"

static enum err check_query(const struct settings *s, struct str query, struct fault *f)
{
    if (!str_trim(query).len) return fail(f, ERR_INVALID_PARAMS, "the query is empty");
    if (query.len > s->query_max_bytes)
        return fail(f, ERR_INVALID_PARAMS, "the query is longer than %llu bytes",
                    (unsigned long long)s->query_max_bytes);
    if (!utf8_valid(query)) return fail(f, ERR_INVALID_PARAMS, "the query is not UTF-8");
    return OK;
}

static bool is_name_byte(char c)
{
    return ascii_alpha(c) || ascii_digit(c) || (c && strchr("._+:@-", c));
}

/* What distributions have in versions and suites beyond that ("1:2.0~rc1^git", "stable/updates").
 */
static bool is_rest_byte(char c)
{
    return is_name_byte(c) || c == '~' || c == '^' || c == '/';
}

static enum err check_bytes(struct str s, const char *what, size_t most, bool (*is_fit)(char),
                            struct fault *f)
{
    if (!s.len) return fail(f, ERR_INVALID_PARAMS, "the %s is empty", what);
    if (s.len > most)
        return fail(f, ERR_INVALID_PARAMS, "the %s is longer than %zu bytes", what, most);
    if (s.at[0] == '-') return fail(f, ERR_INVALID_PARAMS, "the %s begins with '-'", what);
    for (size_t i = 0; i < s.len; i++) {
        if (is_fit(s.at[i])) continue;
        if (s.at[i] > ' ' && s.at[i] < 0x7F)
            return fail(f, ERR_INVALID_PARAMS, "'%c' cannot be part of a %s", s.at[i], what);
        return fail(f, ERR_INVALID_PARAMS, "byte 0x%02X cannot be part of a %s",
                    (unsigned)(unsigned char)s.at[i], what);
    }
    return OK;
}

enum err limits_name(struct str name, struct fault *f)
{
    return check_bytes(name, "package name", PACKAGE_NAME_MOST, is_name_byte, f);
}

static enum err check_package(struct str package, struct fault *f)
{
    size_t equals = str_chr(package, '='), slash = str_chr(package, '/');
    size_t end = equals < slash ? equals : slash;
    enum err e = limits_name(str_head(package, end), f);
    if (e || end == package.len) return e;
    return check_bytes(str_from(package, end + 1), package.at[end] == '=' ? "version" : "suite",
                       VERSION_MOST, is_rest_byte, f);
}

static void settle(bool *there, uint64_t *value, uint64_t standard)
{
    if (!*there) *value = standard;
    if (*value > RESULTS_MOST) *value = RESULTS_MOST;
    *there = true;
}

static enum err limit_search(const struct settings *s, void *request, struct fault *f)
{
    struct search_request *r = request;
    settle(&r->limit.there, &r->limit.value, s->search_limit);
    return check_query(s, r->query, f);
}

static enum err limit_info(const struct settings *s, void *request, struct fault *f)
{
    (void)s;
    return check_package(((struct info_request *)request)->package, f);
}

static enum err limit_suggest(const struct settings *s, void *request, struct fault *f)
{
    struct suggest_request *r = request;
    settle(&r->limit.there, &r->limit.value, s->suggest_limit);
    return check_query(s, r->query, f);
}

/* A request without a row has nothing to limit. */
static enum err (*const limits[MESSAGE_COUNT])(const struct settings *, void *, struct fault *) = {
    [MESSAGE_search_request] = limit_search,
    [MESSAGE_info_request] = limit_info,
    [MESSAGE_suggest_request] = limit_suggest,
};

enum err limits_apply(const struct settings *s, enum message m, void *request, struct fault *f)
{
    return limits[m] ? limits[m](s, request, f) : OK;
}
