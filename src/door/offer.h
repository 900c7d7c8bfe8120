/* What may stand at the end of a line of the shell, from the same tables as everything else:
 * commands, options, values of options, words of a command, names of packages. */
#ifndef OMG_DOOR_OFFER_H
#define OMG_DOOR_OFFER_H

#include "base/arena.h"
#include "base/buf.h"
#include "door/cli.h"

/* Gives names of packages as client_names does; they are copied at once. */
typedef enum err offer_names(void *data, struct str prefix, size_t limit, struct str **names,
                             size_t *count);

struct offer {
    struct str name;
    const char *help; /* empty for packages and values */
};

struct offers {
    struct arena arena;
    struct offer *at;
    size_t count;
    bool more;         /* there are more than could be taken */
    size_t from;       /* where in the line the word begins that one of them is to replace */
    struct str common; /* what all begin with; as long as the word so far where there are more */
};

/* Fills o; names (NULL: no packages are offered) is asked where a package may stand. The caller
 * closes it, also when nothing is offered. */
enum err offers_find(struct offers *o, struct str line, offer_names *names, void *data);
void offers_close(struct offers *o);

/* Appends the offers as a list for people, of at most the given rows. */
void offers_print(const struct offers *o, const struct screen *s, size_t rows, struct buf *out);

/* Appends what is still to come behind the line: a command's operands, an option's value. */
void offers_hint(struct str line, struct buf *out);

#endif
