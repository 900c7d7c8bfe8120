/* What the programs share that ask servers over sockets. Servers are given as NAME:PID:SOCKET:
 * first the floor (floor_echo), then the daemon, then a redis-server if there is one. All are asked
 * by the same code with frames made beforehand; the floor is asked for frames of the same lengths
 * as the daemon's. */
#ifndef OMG_TESTS_BENCH_WIRE_H
#define OMG_TESTS_BENCH_WIRE_H

#include "bench.h"

#include "base/file.h"
#include "wire/codec.h"
#include "wire/frame.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { SCRIPT_ROOM = 16 << 20, READ_ROOM = 1 << 20, QUESTIONS_MOST = 1 << 16 };
enum server_id { FLOOR, DAEMON, REDIS, SERVERS };

static const char *const server_words[SERVERS] = { "floor", "omg", "redis" };

struct server {
    pid_t pid; /* 0: not there */
    const char *path;
    int fd;
};

/* What is asked of one server: requests one behind the other, and how long each answer is. */
struct script {
    char *bytes;
    size_t *at; /* count + 1 of them */
    size_t *answer;
    size_t count; /* 0: there is none */
};

struct questions {
    struct str *at;
    size_t len;
};

static struct server servers[SERVERS];
static char in[READ_ROOM];

/* --- servers ------------------------------------------------------------------------------- */

static inline int server_connect(const struct server *s)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(s->path) >= sizeof address.sun_path) die("%s is too long", s->path);
    memcpy(address.sun_path, s->path, strlen(s->path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
        die("cannot connect to %s", s->path);
    return fd;
}

static inline void server_read(struct server *s, char *text)
{
    char *pid = strchr(text, ':'), *path = pid ? strchr(pid + 1, ':') : NULL;
    if (!path) die("NAME:PID:SOCKET");
    s->pid = (pid_t)strtol(pid + 1, NULL, 10);
    s->path = path + 1;
    s->fd = server_connect(s);
}

/* core: -1 for all of them. */
static inline void pin(pid_t pid, int core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (core < 0 || i == core) CPU_SET((size_t)i, &set);
    if (sched_setaffinity(pid, sizeof set, &set) != 0) die("process %d cannot be pinned", (int)pid);
}

static inline void put(int fd, const char *bytes, size_t len)
{
    while (len) {
        ssize_t n = write(fd, bytes, len);
        if (n <= 0) die("a server hung up");
        bytes += n;
        len -= (size_t)n;
    }
}

static inline size_t take(int fd, char *to, size_t room)
{
    ssize_t n = read(fd, to, room);
    if (n <= 0) die("a server hung up");
    return (size_t)n;
}

static inline void call(int fd, const char *request, size_t len, size_t answer)
{
    put(fd, request, len);
    for (size_t got = 0; got < answer;) got += take(fd, in + got, sizeof in - got);
}

/* --- scripts ------------------------------------------------------------------------------- */

static inline struct questions lines_of(const char *path)
{
    struct map m;
    struct fault f = { "" };
    if (map_open(AT_FDCWD, path, &m, &f)) die("%s: %s", path, f.text);
    struct str text = m.text, rest = text, line;
    struct questions q = { NULL, 0 };
    while (str_cut(&rest, '\n', &line)) q.len++;
    q.at = calloc(q.len + 1, sizeof *q.at);
    if (!q.at) die("no memory");
    for (size_t i = 0; str_cut(&text, '\n', &line); i++) q.at[i] = line;
    return q;
}

static inline struct questions first_of(struct questions q, size_t most)
{
    return (struct questions){ q.at, q.len < most ? q.len : most };
}

static inline struct script script_make(struct buf *bytes, size_t count)
{
    struct script s = { .bytes = bytes->at,
                        .at = calloc(count + 1, sizeof *s.at),
                        .answer = calloc(count + 1, sizeof *s.answer),
                        .count = count };
    if (!s.at || !s.answer || bytes->full) die("no memory");
    return s;
}

static inline struct request request_of(enum op op, const struct str *question, void *room)
{
    struct request r = { .op = op_row(op)->number, .body = room };
    if (op == OP_search)
        *(struct search_request *)room = (struct search_request){ .query = *question };
    if (op == OP_info) *(struct info_request *)room = (struct info_request){ .package = *question };
    if (op == OP_suggest)
        *(struct suggest_request *)room = (struct suggest_request){ .query = *question };
    return r;
}

/* Asks the daemon each question once, to learn how long the answers are; none may be an error. */
static inline void script_learn(struct script *s, int fd)
{
    for (size_t i = 0; i < s->count; i++) {
        struct str payload;
        size_t got = 0;
        put(fd, s->bytes + s->at[i], s->at[i + 1] - s->at[i]);
        do got += take(fd, in + got, sizeof in - got);
        while (frame_take((struct str){ in, got }, sizeof in, &payload) == FRAME_PART);
        s->answer[i] = FRAME_HEAD + payload.len;
        if (payload.at[0] != RESPONSE_SUCCESS || got != s->answer[i])
            die("request %zu is not answered: %.*s", i, (int)payload.len - 20, payload.at + 20);
    }
}

/* count requests of op; without questions all are the same. */
static inline struct script script_of(enum op op, const struct questions *q, size_t count)
{
    struct buf bytes = buf_make(SCRIPT_ROOM);
    static size_t at[QUESTIONS_MOST];
    _Alignas(16) char room[256] = { 0 };
    if (count >= QUESTIONS_MOST) die("too many questions");
    for (size_t i = 0; i < count; i++) {
        struct request r = request_of(op, q ? &q->at[i] : NULL, room);
        r.id = i + 1;
        at[i] = frame_begin(&bytes);
        codec_write_request(&bytes, &r);
        frame_end(&bytes, at[i]);
    }
    at[count] = bytes.len;
    struct script s = script_make(&bytes, count);
    memcpy(s.at, at, (count + 1) * sizeof *at);
    script_learn(&s, servers[DAEMON].fd);
    return s;
}

/* Frames of the same lengths for the floor. */
static inline struct script script_floor(const struct script *like)
{
    struct buf bytes = buf_make(SCRIPT_ROOM);
    char *to = buf_more(&bytes, like->at[like->count]);
    struct script s = script_make(&bytes, like->count);
    memcpy(s.at, like->at, (s.count + 1) * sizeof *s.at);
    memcpy(s.answer, like->answer, s.count * sizeof *s.answer);
    for (size_t i = 0; i < s.count; i++) {
        uint32_t head[2] = { (uint32_t)(s.at[i + 1] - s.at[i]), (uint32_t)s.answer[i] };
        memcpy(to + s.at[i], head, sizeof head);
    }
    return s;
}

/* The same request again and again, and an answer of this length. */
static inline struct script script_same(const char *request, size_t answer, size_t count)
{
    struct buf bytes = buf_make(SCRIPT_ROOM);
    for (size_t i = 0; i < count; i++) buf_str(&bytes, str_of(request));
    struct script s = script_make(&bytes, count);
    for (size_t i = 0; i <= count; i++) s.at[i] = i * strlen(request);
    for (size_t i = 0; i < count; i++) s.answer[i] = answer;
    return s;
}

/* --- what is asked of servers besides ------------------------------------------------------- */

/* The daemon's kept answers. */
static inline void answers_forget(void)
{
    struct cache_clear_request none = { 0 };
    struct request r = { .id = 1, .op = op_row(OP_cache_clear)->number, .body = &none };
    struct buf bytes = buf_make(4096);
    struct str payload;
    frame_begin(&bytes);
    codec_write_request(&bytes, &r);
    frame_end(&bytes, 0);
    put(servers[DAEMON].fd, bytes.at, bytes.len);
    size_t got = take(servers[DAEMON].fd, in, sizeof in);
    if (frame_take((struct str){ in, got }, sizeof in, &payload) != FRAME_WHOLE ||
        payload.at[0] != RESPONSE_SUCCESS)
        die("the kept answers cannot be forgotten");
    buf_free(&bytes);
}

#define REDIS_PING "*1\r\n$4\r\nPING\r\n"           /* answered with 7 bytes */
#define REDIS_GET  "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n" /* with 9 bytes more than are kept */

static inline void redis_keep(size_t len)
{
    struct buf bytes = buf_make(1 << 16);
    buf_print(&bytes, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%zu\r\n", len);
    buf_repeat(&bytes, 'v', len);
    buf_str(&bytes, S("\r\n"));
    call(servers[REDIS].fd, bytes.at, bytes.len, 5);
    if (memcmp(in, "+OK\r\n", 5) != 0) die("redis keeps nothing");
    buf_free(&bytes);
}

/* --- places --------------------------------------------------------------------------------- */

/* Where everything is measured: client and servers on one core, the servers on another, and
 * wherever the system puts them. */
struct place {
    const char *name;
    int client, server; /* cores; -1: all of them */
};

static inline void place_take(const struct place *p)
{
    pin(0, p->client);
    for (size_t s = 0; s < SERVERS; s++)
        if (servers[s].pid) pin(servers[s].pid, p->server);
}

#endif
