#include "wire/trace.h"

#include "wire/codec.h"
#include "wire/json.h"
#include "wire/pen.h"

enum { LINE_BYTES = 16, MOST_REQUESTS = 1 << 20 };

/* Takes the token out of an envelope and says where its bytes are. */
static struct str token_hide(const struct request *r)
{
    enum op op;
    if (!op_of_number(r->op, &op) || op != OP_with) return STR_NONE;
    struct with_request *w = (struct with_request *)(uintptr_t)r->body;
    struct str token = w->token.there ? w->token.value : STR_NONE;
    if (w->token.there) w->token.value = S("hidden");
    return token;
}

static struct str trace_decoded(struct buf *out, struct str payload, bool response, struct arena *a)
{
    struct fault f = { "" };
    struct request q;
    struct response r;
    struct str token = STR_NONE;
    enum err e = response ? codec_read_response(payload, a, &r, &f)
                          : codec_read_request(payload, MOST_REQUESTS, a, &q, &f);
    if (e) {
        buf_print(out, "%zu bytes that cannot be read: ", payload.len);
        pen_clean(out, str_of(*f.text ? f.text : err_row(e)->sentence));
    } else if (response) {
        json_write_response(out, &r, false);
    } else {
        token = token_hide(&q);
        json_write_request(out, &q, false);
    }
    buf_byte(out, '\n');
    return token;
}

static void trace_bytes(struct buf *out, const char *direction, struct str payload,
                        struct str hidden)
{
    size_t from = hidden.len ? (size_t)(hidden.at - payload.at) : payload.len;
    for (size_t at = 0; at < payload.len; at += LINE_BYTES) {
        size_t n = payload.len - at < LINE_BYTES ? payload.len - at : LINE_BYTES;
        char text[LINE_BYTES];
        buf_print(out, "%s%06zx", direction, at);
        for (size_t i = 0; i < LINE_BYTES; i++) {
            char c = i < n ? payload.at[at + i] : ' ';
            bool secret = at + i >= from && at + i < from + hidden.len;
            if (i % 8 == 0) buf_byte(out, ' ');
            if (i >= n) buf_str(out, S("   "));
            else if (secret) buf_str(out, S(" --"));
            else buf_print(out, " %02x", (unsigned)(unsigned char)c);
            text[i] = c < ' ' || c > '~' || secret ? '.' : c;
        }
        buf_print(out, "  %.*s\n", (int)n, text);
    }
}

void trace_message(struct buf *out, int level, const char *direction, struct str payload,
                   bool response, struct arena *a)
{
    if (level < 2) return;
    buf_str(out, str_of(direction));
    struct str token = trace_decoded(out, payload, response, a);
    if (level > 2) trace_bytes(out, direction, payload, token);
}
