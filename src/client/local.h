/* The daemonless path: the index of a root folder, opened or built, and questions to it. */
#ifndef OMG_CLIENT_LOCAL_H
#define OMG_CLIENT_LOCAL_H

#include "client/cache.h"
#include "client/client.h"

struct client {
    struct client_options options;
    struct arena arena; /* of the last call */
    int root;
    bool slash;
    char kernel[80];
    struct cache cache;
    struct cache_file kept[CACHE_KINDS]; /* what the index lies in */
    struct index ix;
    bool open, texts, distrust; /* distrust: nothing kept may be used, it was changed under us */
};

/* Opens the index, and builds what is missing or stale of it; with texts the long ones too. */
enum err local_open(struct client *c, bool texts, struct fault *f);
void local_close(struct client *c);

/* Whether a file of the index was changed or cut off while it was read; closes it then. */
bool local_lost(struct client *c);

/* What is wrong with this machine's packages and with omg's view of them. */
enum err local_doctor(struct client *c, struct doctor_result *r, struct fault *f);

#endif
