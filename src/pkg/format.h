/* The layout of the index files: catalogue, overlay and long text.
 *
 * A file is a header, a table of sections and the sections, each aligned to 64 bytes. Numbers are
 * fixed-width and little-endian; a file from a machine of the other byte order does not carry our
 * magic and is rebuilt. Nothing in a file is trusted: whoever opens one checks the header and the
 * bounds of the sections, and every accessor clamps what it finds inside them (index.h). */
#ifndef OMG_PKG_FORMAT_H
#define OMG_PKG_FORMAT_H

#include <stdint.h>

#define FORMAT_MAGIC   UINT64_C(0x31584449474D4F7F) /* "\x7fOMGIDX1" */
#define FORMAT_VERSION 5u                           /* raised with every change of meaning */

enum format_kind { KIND_CATALOGUE = 1, KIND_OVERLAY = 2, KIND_TEXT = 3 };

#define NONE UINT32_MAX /* no such row */

enum { SUMMARY_MOST = 4096 }; /* bytes; policy asks for less than 80. Search looks at no more */

enum section {
    /* in all three */
    SECTION_META,    /* struct catalogue_meta, overlay_meta or text_meta */
    SECTION_INPUTS,  /* struct input_record: what it was made from */
    SECTION_NOTES,   /* struct note_record: what was wrong with it */
    SECTION_STRINGS, /* texts, each ended by NUL; offset 0 is the empty one */
    /* catalogue: names, ordered by length and then by bytes in lower case; a name's number is its
     * place */
    SECTION_NAMES,      /* NUL, then each name in lower case ended by NUL */
    SECTION_CASED,      /* struct cased_record, by name: those that have other letters */
    SECTION_LENGTHS,    /* uint32_t[258]: the first name of each length */
    SECTION_NAME_AT,    /* uint32_t[names + 1]: where each name begins */
    SECTION_SUMMARIES,  /* each ended by NUL */
    SECTION_SUMMARY_AT, /* uint32_t[names + 1] */
    SECTION_FIRST,      /* uint32_t[names + 1]: first row in VERSIONS */
    SECTION_VERSIONS,  /* struct version_record: by name; native first; newest first; apt's order */
    SECTION_FILES,     /* struct file_record */
    SECTION_ARCHS,     /* uint32_t strings, native first */
    SECTION_RELATIONS, /* texts of single relations, each ended by NUL */
    SECTION_RELATION_AT,    /* uint32_t[relations] */
    SECTION_RELATION_LISTS, /* varints: count, then numbers of relations */
    SECTION_VIRTUAL,        /* struct virtual_record, by hash */
    SECTION_PROVIDERS,      /* postings: names */
    /* catalogue: what search reads */
    SECTION_NAME_FIRST,    /* uint32_t[4097]: first row of NAME_GRAMS by the first two classes */
    SECTION_NAME_GRAMS,    /* struct gram_record */
    SECTION_NAME_POSTINGS, /* names that hold a gram */
    SECTION_TOKENS,        /* NUL, then each token in lower case ended by NUL */
    SECTION_TOKEN_AT,      /* uint32_t[tokens + 1] */
    SECTION_TOKEN_FIRST,   /* as for names */
    SECTION_TOKEN_GRAMS,
    SECTION_TOKEN_POSTINGS,     /* tokens that hold a gram */
    SECTION_SUMMARY_POSTING_AT, /* uint32_t[tokens + 1] */
    SECTION_SUMMARY_POSTINGS,   /* names whose summary holds a token */
    SECTION_DENSE_KEYS,         /* uint32_t: one or two classes, see gram.h */
    SECTION_DENSE,              /* bitmaps of (names + 63) / 64 words each */
    /* overlay */
    SECTION_INSTALLED, /* bitmap over the catalogue's names */
    SECTION_PACKAGES,  /* struct package_record: by name, native first */
    SECTION_EXTRA,     /* struct extra_record: installed names the catalogue lacks, ordered alike */
    SECTION_CANDIDATES,    /* struct candidate_record: where it is not the first version */
    SECTION_EXPLICIT,      /* uint32_t rows of PACKAGES, alphabetical */
    SECTION_LICENSES,      /* uint32_t strings */
    SECTION_DEPENDS,       /* uint32_t strings */
    SECTION_OVERLAY_ARCHS, /* uint32_t strings */
    /* text */
    SECTION_TEXT_KEYS,  /* uint64_t, ascending */
    SECTION_TEXT_AT,    /* uint32_t[texts]: into TEXT_LISTS */
    SECTION_TEXT_LISTS, /* varints: count, then offsets into PARAGRAPHS */
    SECTION_PARAGRAPHS, /* word codes, see longtext.h */
    SECTION_WORD_AT,    /* uint32_t[words + 1] */
    SECTION_WORDS,
    SECTION_COUNT
};

struct format_header {
    uint64_t magic;
    uint32_t version, kind;
    uint64_t size;     /* of the file, bytes */
    uint64_t checksum; /* of everything else, see index_checksum */
    uint64_t parent;   /* overlay: the checksum of the catalogue it goes with */
    uint64_t reserved[3];
    struct format_section {
        uint64_t at, len; /* bytes */
    } section[SECTION_COUNT];
};

struct input_record {
    uint64_t inode, size;
    int64_t mtime_ns, ctime_ns;
    uint32_t path, reserved; /* string */
};

struct note_record {
    uint64_t count;
    uint32_t path, text; /* strings */
};

struct catalogue_meta {
    uint32_t names, versions, files, tokens, relations, archs;
    uint32_t inline_texts;  /* whether some lists carry long descriptions themselves */
    uint32_t lists_missing; /* lists that sources name and that are not there */
};

enum version_flags {
    VERSION_SAME = 1, /* Multi-Arch */
    VERSION_FOREIGN = 2,
    VERSION_ALLOWED = 4,
    VERSION_ESSENTIAL = 8,
    VERSION_IMPORTANT = 16, /* Important or Protected */
    VERSION_REQUIRED = 32   /* Priority: required */
};

struct version_record {
    uint32_t size_low;     /* download, bytes: the lower 32 bits */
    uint32_t text_key_low; /* of the long text, 0: none */
    uint32_t text_key_high;
    uint32_t version;   /* string */
    uint32_t homepage;  /* string */
    uint32_t relations; /* offset in RELATION_LISTS: Pre-Depends, then Depends */
    uint32_t summary;   /* string where it differs from the name's, else 0 */
    uint32_t installed_kib;
    uint32_t source; /* string; 0: the same as the name */
    uint16_t file;
    uint8_t arch, flags;
    uint8_t size_high; /* bits 32 to 39 */
    uint8_t phased;    /* Phased-Update-Percentage, 100 without one */
    uint16_t reserved;
};

static inline uint64_t version_size(const struct version_record *v)
{
    return (uint64_t)v->size_high << 32 | v->size_low;
}
static inline uint64_t version_text_key(const struct version_record *v)
{
    return (uint64_t)v->text_key_high << 32 | v->text_key_low;
}

struct file_record { /* strings, as struct apt_file has them */
    uint32_t path, translation, uri, site, release, archive, codename, version, origin, label,
        component, arch, repo;
    uint8_t not_automatic, automatic_upgrades, security, reserved;
};

struct cased_record {
    uint32_t name, text; /* number; string */
};

/* Nobody asks for a list of virtual names, only for one: its hash is enough to find it by. */
struct virtual_record {
    uint64_t hash;      /* hash_str of the name */
    uint32_t providers; /* offset in PROVIDERS */
    uint32_t len;       /* bytes there */
};

struct gram_record {
    uint32_t key; /* three classes */
    uint32_t at;  /* offset of its postings; they end where the next one's begin */
};

struct overlay_meta {
    uint64_t total, explicit_, orphans, updates, security, held, broken;
    uint32_t kernel; /* string: running release it was made for, empty where it does not count */
    uint32_t packages, extras, status_missing, reserved;
};

enum package_flags {
    PACKAGE_INSTALLED = 1,
    PACKAGE_EXPLICIT = 2,
    PACKAGE_HELD = 4,
    PACKAGE_ORPHAN = 8,
    PACKAGE_UPDATE = 16,
    PACKAGE_SECURITY = 32,
    PACKAGE_BROKEN = 64,
    PACKAGE_ESSENTIAL = 128
};

struct package_record {
    uint32_t name;      /* number in the catalogue, or the catalogue's names + row in EXTRA */
    uint32_t version;   /* string */
    uint32_t row;       /* the same version in VERSIONS, or NONE */
    uint32_t candidate; /* row in VERSIONS, NONE: the installed version */
    uint32_t licenses, licenses_len; /* rows of LICENSES */
    uint32_t arch;                   /* string */
    uint32_t flags;
    /* of the installed version where the catalogue lacks it, else 0 */
    uint32_t description, homepage, depends, depends_len;
    uint64_t installed_kib;
    uint64_t key; /* hash of name, architecture and version: whose licences these are */
};

struct extra_record {
    uint32_t name, summary; /* strings */
    uint32_t package;       /* first row of PACKAGES */
};

struct candidate_record {
    uint32_t name, arch; /* numbers in the catalogue */
    uint32_t row;        /* in VERSIONS, or NONE: no version may be installed */
};

struct text_meta {
    uint32_t texts, words;
};

/* What a header's version says: a change of layout that nobody raised the version for shows in the
 * sizes of the rows. */
#define FORMAT_LAYOUT                                                                              \
    (FORMAT_VERSION << 24 |                                                                        \
     ((sizeof(struct version_record) * 31 + sizeof(struct package_record)) * 31 +                  \
      sizeof(struct file_record) * 7 + sizeof(struct overlay_meta) +                               \
      sizeof(struct catalogue_meta) + SECTION_COUNT * 3) %                                         \
         (1u << 24))

#endif
