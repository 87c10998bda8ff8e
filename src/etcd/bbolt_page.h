/*
 * One page of a bbolt file, checked: for the files of the reader only.
 */
#pragma once

#include "etcd/bbolt.h"

enum { PAGE_HEADER = 16, BRANCH_ELEMENT = 16, LEAF_ELEMENT = 16, BUCKET_HEADER = 16 };
enum { PAGE_BRANCH = 1, PAGE_LEAF = 2, PAGE_META = 4, PAGE_FREELIST = 0x10, LEAF_BUCKET = 1 };

struct page {
        unsigned char *data; /* with its overflow */
        size_t size, capacity;
        uint64_t id;
        uint16_t flags;
        uint32_t count, overflow;
};

struct page_element {
        struct str key, value;
        uint32_t flags;
        uint64_t child; /* of branches */
};

static inline uint16_t load16(const unsigned char *p) {
        return (uint16_t)(p[0] | p[1] << 8);
}
static inline uint32_t load32(const unsigned char *p) {
        return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static inline uint64_t load64(const unsigned char *p) {
        return (uint64_t)load32(p) | (uint64_t)load32(p + 4) << 32;
}

/* Takes the header at DATA over into PAGE. */
void page_header(struct page *page, const unsigned char *data);

/* Reads page ID of DB, a branch or a leaf, whole into PAGE, whose memory is used again. -EAGAIN
 * where a newer meta is there. */
int page_read(struct bbolt *db, uint64_t id, struct page *page, struct error *error);

/* Element AT of PAGE. -EUCLEAN where it lies outside of the page. */
int page_element(const struct page *page, uint32_t at, struct page_element *ret,
                 struct error *error);

/* Checks that the keys of PAGE are in order, at least LOW and less than HIGH (NULL ptr: no bound),
 * and that every element is within. USED_END becomes where the last element ends. */
int page_check(const struct page *page, struct str low, struct str high, size_t *used_end,
               struct error *error);

void page_free(struct page *page);
