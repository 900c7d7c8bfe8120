#include "broker/answers.h"

#include "base/hash.h"
#include "wire/codec.h"

#include <sys/mman.h>

/* In the ring an entry is followed by its key, which is the request without its id, and by its
 * response; the next one begins at a multiple of 8. */
struct answer_entry {
    uint64_t hash;
    uint32_t variant, key_len, response_len;
    uint32_t size; /* of all of it */
};

enum { LARGEST = 4 }; /* an answer that would take more than 1/LARGEST of the room is not kept */

static void *map(size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

enum err answers_open(struct answers *a, uint64_t most, uint64_t bytes)
{
    struct answers fresh = { .hits = a->hits, .misses = a->misses };
    answers_close(a);
    *a = fresh;
    if (!most || !bytes) return OK;
    size_t slots = 2;
    while (slots < 2 * most) slots *= 2;
    a->ring = map((size_t)bytes);
    a->slots = map(slots * sizeof *a->slots);
    a->room = a->ring ? (size_t)bytes : 0;
    a->slots_room = a->slots ? slots : 0;
    if (a->ring && a->slots) {
        a->most = (size_t)most;
        return OK;
    }
    answers_close(a);
    return ERR_RESOURCE_LIMIT;
}

void answers_close(struct answers *a)
{
    if (a->ring) munmap(a->ring, a->room);
    if (a->slots) munmap(a->slots, a->slots_room * sizeof *a->slots);
    *a = (struct answers){ .hits = a->hits, .misses = a->misses };
}

void answers_clear(struct answers *a)
{
    if (a->count) memset(a->slots, 0, a->slots_room * sizeof *a->slots);
    a->from = a->to = a->end = a->count = 0;
}

/* --- the table --------------------------------------------------------------------------- */

static struct str key_of(struct str request)
{
    return str_from(request, CODEC_HEAD);
}

static uint64_t hash_of(uint32_t variant, struct str key)
{
    return hash_fold(hash_str(key), variant);
}

static bool is_entry_of(const struct answer_entry *x, uint64_t hash, uint32_t variant,
                        struct str key)
{
    return x->hash == hash && x->variant == variant &&
           str_eq((struct str){ (const char *)(x + 1), x->key_len }, key);
}

static size_t slot_find(const struct answers *a, uint64_t hash, uint32_t variant, struct str key)
{
    size_t i = hash & (a->slots_room - 1);
    while (a->slots[i] && !is_entry_of(a->slots[i], hash, variant, key))
        i = (i + 1) & (a->slots_room - 1);
    return i;
}

/* Takes an entry out of the table; those behind it move up where they may. */
static void slot_remove(struct answers *a, const struct answer_entry *x)
{
    size_t mask = a->slots_room - 1, hole = x->hash & mask;
    while (a->slots[hole] != x) hole = (hole + 1) & mask;
    for (size_t i = (hole + 1) & mask; a->slots[i]; i = (i + 1) & mask) {
        size_t home = a->slots[i]->hash & mask;
        if (((i - home) & mask) < ((i - hole) & mask)) continue;
        a->slots[hole] = a->slots[i];
        hole = i;
    }
    a->slots[hole] = NULL;
}

/* --- the ring ---------------------------------------------------------------------------- */

static void drop_oldest(struct answers *a)
{
    struct answer_entry *x = (struct answer_entry *)(void *)(a->ring + a->from);
    slot_remove(a, x);
    a->count--;
    a->from += x->size;
    if (a->end && a->from == a->end) a->from = a->end = 0;
    if (!a->count) a->from = a->to = a->end = 0;
}

/* A place for size bytes, made by dropping the oldest. */
static char *place_for(struct answers *a, size_t size)
{
    for (;;) {
        bool wrapped = a->end != 0;
        size_t free_behind = wrapped ? a->from - a->to : a->room - a->to;
        if (a->count < a->most && free_behind >= size) return a->ring + a->to;
        if (a->count < a->most && !wrapped && a->from >= size) {
            a->end = a->to;
            a->to = 0;
            return a->ring;
        }
        if (!a->count) return NULL;
        drop_oldest(a);
    }
}

bool answers_find(struct answers *a, struct str request, struct str *found)
{
    uint32_t variant;
    uint64_t id;
    if (!a->most || !codec_peek(request, &variant, &id)) return false;
    struct str key = key_of(request);
    const struct answer_entry *x = a->slots[slot_find(a, hash_of(variant, key), variant, key)];
    if (x) a->hits++;
    else a->misses++;
    if (x) *found = (struct str){ (const char *)(x + 1) + x->key_len, x->response_len };
    return x != NULL;
}

void answers_keep(struct answers *a, struct str request, struct str response)
{
    uint32_t variant;
    uint64_t id;
    struct str key = key_of(request);
    size_t size = (sizeof(struct answer_entry) + key.len + response.len + 7) & ~(size_t)7;
    if (!a->most || size > a->room / LARGEST || !codec_peek(request, &variant, &id)) return;
    uint64_t hash = hash_of(variant, key);
    if (a->slots[slot_find(a, hash, variant, key)]) return;
    char *at = place_for(a, size);
    if (!at) return;
    struct answer_entry *x = (struct answer_entry *)(void *)at;
    *x = (struct answer_entry){ hash, variant, (uint32_t)key.len, (uint32_t)response.len,
                                (uint32_t)size };
    if (key.len) memcpy(x + 1, key.at, key.len);
    memcpy((char *)(x + 1) + key.len, response.at, response.len);
    a->to += size;
    a->count++;
    a->slots[slot_find(a, hash, variant, key)] = x;
}
