#include "pkg/sealed.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

enum err sealed_map(int fd, struct map *m, struct fault *f)
{
    struct stat st;
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & SEALS) != SEALS)
        return fail(f, ERR_FORBIDDEN, "the package index came in memory that is not sealed");
    if (fstat(fd, &st) != 0) return fail_errno(f, "cannot look at the package index");
    if (st.st_size <= 0) return fail(f, ERR_DAMAGED, "the package index is empty");
    /* Private: before Linux 6.7 what is sealed against writing cannot be mapped shared. */
    void *at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED) return fail_errno(f, "cannot map the package index");
    m->text = (struct str){ at, (size_t)st.st_size };
    return OK;
}

static enum err check(int fd, enum cache_kind kind, uint64_t checksum, struct fault *f)
{
    struct map m = { STR_NONE };
    struct index_file file;
    enum err e = sealed_map(fd, &m, f);
    if (e) return e;
    e = index_file_open(&file, m.text, cache_format(kind), true, f);
    if (e || file.header->checksum != checksum)
        e = fail(f, ERR_BUSY, "the package index was changed while it was copied");
    map_close(&m);
    return e;
}

enum err sealed_copy(const struct cache_file *k, enum cache_kind kind, uint64_t checksum, int *fd,
                     struct fault *f)
{
    int made = memfd_create("omg-index", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (made < 0) return fail_errno(f, "cannot make memory for the package index");
    enum err e = write_all(made, k->map.text, f);
    /* Its pages are the kernel's again: whoever keeps the file open has no use for them now. */
    madvise((void *)(uintptr_t)k->map.text.at, k->map.text.len, MADV_DONTNEED);
    if (!e && fcntl(made, F_ADD_SEALS, SEALS) != 0)
        e = fail_errno(f, "cannot seal the package index");
    if (!e) e = check(made, kind, checksum, f);
    if (!e && cache_file_changed(k))
        e = fail(f, ERR_BUSY, "the package index was changed while it was copied");
    if (e) close(made);
    else *fd = made;
    return e;
}
