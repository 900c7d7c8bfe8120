#include "base/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_put(struct buf *b, struct str bytes)
{
    for (; bytes.len; bytes = str_from(bytes, 3)) {
        const uint8_t *in = (const uint8_t *)bytes.at;
        uint32_t v = (uint32_t)in[0] << 16;
        if (bytes.len > 1) v |= (uint32_t)in[1] << 8;
        if (bytes.len > 2) v |= in[2];
        buf_byte(b, alphabet[v >> 18]);
        buf_byte(b, alphabet[v >> 12 & 63]);
        buf_byte(b, bytes.len > 1 ? alphabet[v >> 6 & 63] : '=');
        buf_byte(b, bytes.len > 2 ? alphabet[v & 63] : '=');
    }
}

/* The six bits of a letter, or 64. */
static uint32_t bits_of(char c)
{
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (uint32_t)(at - alphabet) : 64;
}

enum err base64_take(struct str text, struct arena *a, struct str *bytes)
{
    size_t padding = 0;
    while (padding < 2 && padding < text.len && text.at[text.len - 1 - padding] == '=') padding++;
    if (text.len % 4) return ERR_PARSE;
    size_t len = text.len / 4 * 3 - padding, done = 0;
    char *to = arena_alloc(a, len + 1);
    if (!to) return ERR_RESOURCE_LIMIT;
    for (size_t i = 0; i < text.len; i += 4) {
        bool last = i + 4 == text.len;
        uint32_t v = 0;
        for (size_t j = 0; j < 4; j++) {
            bool pad = last && j >= 4 - padding;
            uint32_t six = pad ? 0 : bits_of(text.at[i + j]);
            if (six == 64) return ERR_PARSE;
            v = v << 6 | six;
        }
        size_t n = last ? 3 - padding : 3;
        if (n < 3 && (v & (0xFFFFFFu >> (8 * n)))) return ERR_PARSE;
        for (size_t j = 0; j < n; j++) to[done++] = (char)(v >> (16 - 8 * j) & 0xFF);
    }
    *bytes = (struct str){ to, len };
    return OK;
}
