/* Giving up power before strangers' bytes are parsed: identity, capabilities, system calls, files.
 */
#ifndef OMG_BASE_POWER_H
#define OMG_BASE_POWER_H

#include "base/err.h"
#include "base/str.h"

/* For a child that reads files and writes to descriptors it already has. For good: as root it
 * becomes the user omg, or nobody where there is none, and keeps the capability to read
 * (CAP_DAC_READ_SEARCH) alone; it gains no new privileges, is not dumpable, writes, creates and
 * runs no file by name (Landlock), and makes no system call but those that reading and memory take
 * (seccomp, others end it). What the kernel does not offer is left out; power_missing tells.
 * uid and gid are looked up by the caller with power_user, as that opens a file. */
enum err power_drop_to_reading(uint32_t uid, uint32_t gid, struct fault *f);

/* For a process that only talks over descriptors it already has: no capability at all, no file by
 * name, no new socket, no program, no signal to others; another identity as above. It may accept,
 * read, write, map and end. Neither kind of process ever gets new code: what is mapped cannot be
 * run. */
enum err power_drop_to_talking(uint32_t uid, uint32_t gid, struct fault *f);

/* May be called after power_drop_to_reading: from now on only what lies below these paths of root
 * can be opened. Paths that are not there are passed over; one that is and cannot be opened is an
 * error, as what lies below it would seem not to be there. */
enum err power_confine(int root, const struct str *paths, size_t count, struct fault *f);

/* The user and group for powerless processes, from /etc/passwd; true when it is omg's own. */
bool power_user(uint32_t *uid, uint32_t *gid);

/* What the kernel lacks of the above, as words for a sentence ("Landlock"); empty when nothing. */
struct str power_missing(void);

#endif
