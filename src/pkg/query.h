/* The questions the index answers. Each fills a message of the schema; texts are views into the
 * index or the arena and live as long as both. */
#ifndef OMG_PKG_QUERY_H
#define OMG_PKG_QUERY_H

#include "pkg/index.h"
#include "wire/schema.h"

enum {
    QUERY_WORDS = 256, /* different words of a search; 500 bytes hold no more */
    SEARCH_LIMIT = 50,
    SUGGEST_LIMIT = 10
};

/* Requests are checked already (wire/limits.h). */
enum err query_search(struct index *ix, const struct search_request *q, struct search_result *r,
                      struct arena *a, struct fault *f);
enum err query_suggest(struct index *ix, const struct suggest_request *q, struct suggest_result *r,
                       struct arena *a, struct fault *f);
enum err query_info(struct index *ix, const struct info_request *q, struct detailed_package_info *r,
                    struct arena *a, struct fault *f);
enum err query_status(struct index *ix, const struct status_request *q, struct status_result *r,
                      struct arena *a, struct fault *f);
enum err query_explicit(struct index *ix, const struct explicit_request *q,
                        struct explicit_result *r, struct arena *a, struct fault *f);

/* Names that begin with prefix, alphabetical, at most limit. */
enum err query_names(struct index *ix, struct str prefix, size_t limit, struct str **names,
                     size_t *count, struct arena *a);

/* The version that a search shows of a name. */
struct str shown_version(const struct index *ix, uint32_t any);

#endif
