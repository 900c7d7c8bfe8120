#include "pkg/catalogue_build.h"
#include "pkg/control.h"
#include "pkg/longtext.h"
#include "pkg/order.h"
#include "pkg/postings.h"
#include "pkg/writer.h"

struct texts {
    struct inputs *in;
    struct arena *arena;
    struct intern paragraphs, words;
    struct buf word_count; /* uint32_t by word: how often; then the code it gets */
    struct buf stream;     /* uint32_t: codes of paragraphs, words by number + TEXT_WORDS */
    struct buf starts;     /* uint32_t by paragraph: where it begins in stream */
    struct buf keys;       /* uint64_t by text */
    struct buf lists;      /* uint32_t: count and numbers of paragraphs */
    struct buf list_at;    /* uint32_t by text: where its list begins in lists */
};

static void put_u32(struct buf *b, uint32_t v)
{
    buf_put(b, &v, sizeof v);
}

static uint32_t *u32s(struct buf *b)
{
    return (uint32_t *)(void *)b->at;
}

static void add_word(struct texts *t, struct str word)
{
    uint32_t number = intern_number(&t->words, word);
    if (number == UINT32_MAX) return;
    if (t->word_count.len == (size_t)number * sizeof number) put_u32(&t->word_count, 0);
    if (!t->word_count.full) u32s(&t->word_count)[number]++;
    put_u32(&t->stream, number + TEXT_WORDS);
}

static void add_line(struct texts *t, struct str line)
{
    bool first = true;
    while (line.len && ascii_space(line.at[line.len - 1])) line.len--;
    if (str_eq(line, S("."))) return; /* an empty line; most are cut at already */
    while (line.len) {
        size_t blanks = 0;
        while (blanks < line.len && line.at[blanks] == ' ') blanks++;
        line = str_from(line, blanks);
        for (size_t i = first ? 0 : 1; i < blanks; i++) put_u32(&t->stream, TEXT_BLANK);
        size_t n = str_chr(line, ' ');
        add_word(t, str_head(line, n));
        line = str_from(line, n);
        first = false;
    }
}

static uint32_t add_paragraph(struct texts *t, struct str text)
{
    uint32_t before = t->paragraphs.count, number = intern_number(&t->paragraphs, text);
    if (number < before || number == UINT32_MAX) return number;
    put_u32(&t->starts, (uint32_t)(t->stream.len / sizeof(uint32_t)));
    struct str line;
    for (bool first = true; str_cut(&text, '\n', &line); first = false) {
        if (!first) put_u32(&t->stream, TEXT_LINE);
        add_line(t, str_from(line, 1)); /* the blank that makes it a continuation */
    }
    return number;
}

/* Takes the part before the next line that holds only a dot. */
static bool paragraph_cut(struct str *rest, struct str *part)
{
    if (!rest->len) return false;
    size_t end = str_find(*rest, S("\n .\n"));
    *part = str_head(*rest, end);
    *rest = str_from(*rest, end + 4);
    return true;
}

static void add_text(struct texts *t, uint64_t key, struct str description)
{
    enum { PARAGRAPHS = 4096 };
    struct str rest = str_from(description, str_chr(description, '\n') + 1), part;
    if (!rest.len || rest.len > TEXT_MOST || memchr(rest.at, 0, rest.len) || !utf8_valid(rest))
        return;
    buf_put(&t->keys, &key, sizeof key);
    put_u32(&t->list_at, (uint32_t)(t->lists.len / sizeof(uint32_t)));
    size_t count_at = t->lists.len;
    put_u32(&t->lists, 0);
    for (uint32_t n = 0; n < PARAGRAPHS && paragraph_cut(&rest, &part); n++) {
        put_u32(&t->lists, add_paragraph(t, part));
        if (!t->lists.full) u32s(&t->lists)[count_at / sizeof(uint32_t)] = n + 1;
    }
}

static bool texts_full(const struct texts *t)
{
    return intern_full(&t->paragraphs) || intern_full(&t->words) || t->word_count.full ||
           t->stream.full || t->starts.full || t->keys.full || t->lists.full || t->list_at.full;
}

static void read_file(struct texts *t, struct str path)
{
    struct list_text l;
    static struct stanza s;
    if (!path.len || list_open(t->in, path, &l)) return;
    struct control c = { .rest = l.text };
    while (!texts_full(t) && control_next(&c, &s)) {
        struct str md5 = s.field[CONTROL_description_md5];
        struct str text = s.field[CONTROL_description_en];
        if (!text.len) text = s.field[CONTROL_description];
        if (str_chr(text, '\n') < text.len) add_text(t, text_key(md5, text), text);
    }
    list_close(&l);
}

static int by_count(uint32_t a, uint32_t b, const void *context)
{
    const uint32_t *count = context;
    return count[a] != count[b] ? (count[a] > count[b] ? -1 : 1) : 0;
}

/* Gives the words their codes, the most frequent the shortest: word_count becomes the code, 0 for
 * a word that occurs once. Orders by counting, as the counts that matter are few. */
static enum err rank_words(struct texts *t, struct writer *w, uint32_t *ranked)
{
    uint32_t count = t->words.count, *frequency = u32s(&t->word_count), n = 0;
    uint32_t *order = arena_array(t->arena, (size_t)count + 1, sizeof *order);
    uint32_t *spare = arena_array(t->arena, (size_t)count + 1, sizeof *spare);
    if (!order || !spare) return ERR_RESOURCE_LIMIT;
    for (uint32_t i = 0; i < count; i++)
        if (frequency[i] > 15) order[n++] = i;
    order_sort(order, spare, n, by_count, frequency);
    for (uint32_t often = 15; often > 1; often--)
        for (uint32_t i = 0; i < count; i++)
            if (frequency[i] == often) order[n++] = i;
    if (count) memset(frequency, 0, count * sizeof *frequency);
    struct buf heap = buf_make(UINT32_MAX), at = buf_make(UINT32_MAX);
    buf_byte(&heap, 0);
    for (uint32_t i = 0; i < n; i++) {
        frequency[order[i]] = i + TEXT_WORDS;
        put_u32(&at, (uint32_t)heap.len);
        buf_str(&heap, intern_text(&t->words, order[i]));
        buf_byte(&heap, 0);
    }
    put_u32(&at, (uint32_t)heap.len);
    writer_buf(w, SECTION_WORDS, &heap);
    writer_buf(w, SECTION_WORD_AT, &at);
    enum err e = heap.full || at.full ? ERR_RESOURCE_LIMIT : OK;
    buf_free(&heap);
    buf_free(&at);
    *ranked = n;
    return e;
}

static uint8_t *code_put(struct texts *t, uint32_t code, uint8_t *to)
{
    if (code < TEXT_WORDS) return varint_put(to, code);
    uint32_t ranked = u32s(&t->word_count)[code - TEXT_WORDS];
    if (ranked) return varint_put(to, ranked);
    struct str word = intern_text(&t->words, code - TEXT_WORDS);
    to = varint_put(varint_put(to, TEXT_LITERAL), (uint32_t)word.len);
    memcpy(to, word.at, word.len);
    return to + word.len;
}

/* Writes the paragraphs; starts becomes where each begins. */
static enum err write_paragraphs(struct texts *t, struct writer *w)
{
    struct buf heap = buf_make(UINT32_MAX), one = buf_make(16 * TEXT_MOST);
    uint32_t count = t->paragraphs.count;
    put_u32(&t->starts, (uint32_t)(t->stream.len / sizeof(uint32_t)));
    if (t->starts.full) return ERR_RESOURCE_LIMIT;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t from = u32s(&t->starts)[i], to = u32s(&t->starts)[i + 1];
        /* A code takes at most 5 bytes, a literal 10 and its bytes. */
        size_t most = (size_t)(to - from) * 10 + intern_text(&t->paragraphs, i).len;
        one.len = 0;
        uint8_t *start = (uint8_t *)buf_more(&one, most), *end = start;
        if (!start) break;
        while (from < to) end = code_put(t, u32s(&t->stream)[from++], end);
        u32s(&t->starts)[i] = (uint32_t)heap.len;
        uint8_t size[5];
        buf_put(&heap, size, (size_t)(varint_put(size, (uint32_t)(end - start)) - size));
        buf_put(&heap, start, (size_t)(end - start));
    }
    writer_buf(w, SECTION_PARAGRAPHS, &heap);
    enum err e = heap.full || one.full ? ERR_RESOURCE_LIMIT : OK;
    buf_free(&heap);
    buf_free(&one);
    return e;
}

static enum err write_texts(struct texts *t, struct writer *w)
{
    uint32_t count = (uint32_t)(t->keys.len / sizeof(uint64_t));
    const uint64_t *keys = (const uint64_t *)(const void *)t->keys.at;
    uint32_t *order = arena_array(t->arena, (size_t)count + 1, sizeof *order);
    if (!order || order_hashes(order, keys, count, t->arena)) return ERR_RESOURCE_LIMIT;
    struct buf key = buf_make(UINT32_MAX), at = buf_make(UINT32_MAX), lists = buf_make(UINT32_MAX);
    for (uint32_t i = 0; i < count; i++) {
        if (i && keys[order[i]] == keys[order[i - 1]]) continue; /* the first one read counts */
        const uint32_t *list = u32s(&t->lists) + u32s(&t->list_at)[order[i]];
        buf_put(&key, &keys[order[i]], sizeof *keys);
        put_u32(&at, (uint32_t)lists.len);
        uint8_t bytes[5];
        buf_put(&lists, bytes, (size_t)(varint_put(bytes, list[0]) - bytes));
        for (uint32_t p = 1; p <= list[0]; p++)
            buf_put(&lists, bytes, (size_t)(varint_put(bytes, u32s(&t->starts)[list[p]]) - bytes));
    }
    writer_buf(w, SECTION_TEXT_KEYS, &key);
    writer_buf(w, SECTION_TEXT_AT, &at);
    writer_buf(w, SECTION_TEXT_LISTS, &lists);
    enum err e = key.full || at.full || lists.full ? ERR_RESOURCE_LIMIT : OK;
    buf_free(&key);
    buf_free(&at);
    buf_free(&lists);
    return e;
}

static enum err texts_write(struct texts *t, uint64_t parent, struct buf *out)
{
    struct writer w;
    struct intern strings;
    struct text_meta meta = { (uint32_t)(t->keys.len / sizeof(uint64_t)), 0 };
    writer_open(&w, out, KIND_TEXT);
    enum err e = rank_words(t, &w, &meta.words);
    if (!e) e = write_paragraphs(t, &w);
    if (!e) e = write_texts(t, &w);
    if (!e) e = intern_open(&strings, 256);
    if (e) return e;
    writer_section(&w, SECTION_META, &meta, sizeof meta);
    writer_inputs(&w, t->in, PART_TEXT, &strings);
    writer_buf(&w, SECTION_STRINGS, &strings.text);
    intern_free(&strings);
    return writer_finish(&w, parent);
}

enum err longtext_build(struct inputs *in, struct arena *a, const struct apt_files *files,
                        bool inline_texts, uint64_t parent, struct buf *out)
{
    struct texts t = { .in = in, .arena = a };
    struct buf *bufs[] = { &t.word_count, &t.stream, &t.starts, &t.keys, &t.lists, &t.list_at };
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++) *bufs[i] = buf_make(UINT32_MAX);
    enum err e = intern_open(&t.paragraphs, 1 << 17);
    if (!e) e = intern_open(&t.words, 1 << 17);
    for (size_t i = 0; !e && i < files->len; i++) {
        read_file(&t, files->at[i].translation);
        if (inline_texts) read_file(&t, files->at[i].path);
    }
    if (!e) e = texts_full(&t) ? ERR_RESOURCE_LIMIT : texts_write(&t, parent, out);
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++) buf_free(bufs[i]);
    intern_free(&t.paragraphs);
    intern_free(&t.words);
    return e;
}
