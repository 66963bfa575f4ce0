/* The file format of LMDB 0.9 (MDB_DATA_VERSION 1) on 64-bit little-endian machines, as far as reading it needs. We read files
 * ourselves because LMDB trusts what it reads: a damaged page makes it abort or crash the host, see pages.h. */
#ifndef LMDB_PAGE_FORMAT_H
#define LMDB_PAGE_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#define PAGE_MAGIC   0xBEEFC0DEu
#define PAGE_VERSION 1u
#define PAGE_MAX     32768u
#define PAGE_MIN     4096u      /* of the systems that we write files on */
#define PAGE_NONE    UINT64_MAX /* the root of an empty tree */
#define PAGE_FIRST   2u         /* pages 0 and 1 are the metas */
#define TREE_DEPTH   32u
#define TREE_KEY_MAX 511u

enum page_flags { PAGE_BRANCH = 1, PAGE_LEAF = 2, PAGE_OVERFLOW = 4, PAGE_META = 8 };

/* At the start of each page, but not of the second and later pages of an overflow run. */
struct page_header {
    uint64_t number;
    uint16_t pad;
    uint16_t flags;
    uint16_t lower; /* bytes from the page's start to its free space; in an overflow page, with `upper`, how many pages */
    uint16_t upper; /* … and to the end of its free space, where the entries begin */
};

/* A tree as its meta page records it. */
struct tree_record {
    uint32_t pad; /* of the free tree: the page size */
    uint16_t flags;
    uint16_t depth;
    uint64_t branches;
    uint64_t leaves;
    uint64_t overflows;
    uint64_t entries;
    uint64_t root;
};

/* Follows the header of pages 0 and 1. Transaction t writes page t % 2, from map_bytes on. */
struct meta_record {
    uint32_t magic;
    uint32_t version;
    uint64_t address;
    uint64_t map_bytes;
    struct tree_record free;
    struct tree_record main;
    uint64_t last_page;
    uint64_t transaction;
};

/* Before each key of a branch or leaf page: four 16-bit words. Branch: the child's number in the low three, the key's size.
 * Leaf: the value's size in the low two, flags, the key's size; the value, or the number of its overflow page, follows the key. */
struct node_header {
    uint16_t low;
    uint16_t high;
    uint16_t flags;
    uint16_t key_size;
};

#define NODE_OVERFLOW 1u

_Static_assert(sizeof(struct page_header) == 16 && sizeof(struct tree_record) == 48 && sizeof(struct meta_record) == 136,
               "the records of LMDB's file format");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && sizeof(size_t) == 8, "this reader is for 64-bit little-endian");

#define PAGE_HEADER_BYTES ((uint32_t)sizeof(struct page_header))
#define NODE_HEADER_BYTES ((uint32_t)sizeof(struct node_header))

#endif
