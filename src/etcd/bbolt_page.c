#include "etcd/bbolt_page.h"

#include <errno.h>

#include "base/util.h"

ssize_t bbolt_pread(int fd, void *to, size_t size, uint64_t offset) {
        size_t done = 0;

        while (done < size) {
                ssize_t n = pread(fd, (char *)to + done, size - done, (off_t)(offset + done));

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                done += (size_t)n;
        }
        return (ssize_t)done;
}

static int read_exactly(struct bbolt *db, void *to, size_t size, uint64_t offset,
                        struct error *error) {
        ssize_t n = bbolt_pread(db->fd, to, size, offset);

        if (n < 0)
                return error_set(error, (int)n, "cannot read: %s", strerror((int)-n));
        if ((size_t)n < size)
                return error_set(error, -EUCLEAN, "page %ju is cut off",
                                 (uintmax_t)(offset / db->page_size));
        return 0;
}

void page_header(struct page *page, const unsigned char *data) {
        page->id = load64(data);
        page->flags = load16(data + 8);
        page->count = load16(data + 10);
        page->overflow = load32(data + 12);
}

static int check_header(const struct bbolt *db, uint64_t id, struct page *page,
                        struct error *error) {
        if (page->id != id || (page->flags != PAGE_BRANCH && page->flags != PAGE_LEAF))
                return error_set(error, -EUCLEAN,
                                 "page %ju is not what leads to it says (it has number %ju and "
                                 "type 0x%x)",
                                 (uintmax_t)id, (uintmax_t)page->id, page->flags);
        if (page->overflow >= db->high_water - id ||
            ((uint64_t)page->overflow + 1) * db->page_size > BBOLT_RUN_MAX)
                return error_set(error, -EUCLEAN, "page %ju goes on for %u pages, beyond the end",
                                 (uintmax_t)id, page->overflow);
        return 0;
}

static void page_reserve(struct page *page, size_t size) {
        if (size > page->capacity) {
                page->data = xrealloc(page->data, size, 1);
                page->capacity = size;
        }
        page->size = size;
}

static int check_id(const struct bbolt *db, uint64_t id, struct error *error) {
        if (id < 2 || id >= db->high_water)
                return error_set(error, -EUCLEAN, "there is no page %ju", (uintmax_t)id);
        return 0;
}

static int read_page(struct bbolt *db, uint64_t id, struct page *page, struct error *error) {
        size_t more;
        int r = check_id(db, id, error);

        if (r < 0)
                return r;
        page_reserve(page, db->page_size);
        r = read_exactly(db, page->data, db->page_size, id * db->page_size, error);
        if (r < 0)
                return r;
        page_header(page, page->data);
        r = check_header(db, id, page, error);
        if (r < 0 || page->overflow == 0)
                return r;
        more = (size_t)page->overflow * db->page_size;
        page_reserve(page, db->page_size + more);
        return read_exactly(db, page->data + db->page_size, more, (id + 1) * db->page_size, error);
}

/* What is wrong with a page that was used anew is no damage. */
int page_read(struct bbolt *db, uint64_t id, struct page *page, struct error *error) {
        struct error fault = { 0 };
        int r = read_page(db, id, page, &fault);

        if ((r >= 0 || r == -EUCLEAN) && !bbolt_is_current(db))
                return error_set(error, -EAGAIN, "the database was changed");
        if (r < 0)
                return error_set(error, r, "%s", fault.message);
        db->pages_read += page->overflow + 1;
        return 0;
}

static int outside(const struct page *page, uint32_t at, struct error *error) {
        return error_set(error, -EUCLEAN, "element %u of page %ju lies outside of the page", at,
                         (uintmax_t)page->id);
}

int page_element(const struct page *page, uint32_t at, struct page_element *ret,
                 struct error *error) {
        size_t offset = PAGE_HEADER + (size_t)at * LEAF_ELEMENT, table, start;
        const unsigned char *element = page->data + offset;
        uint32_t position, key_size, value_size;
        bool leaf = page->flags == PAGE_LEAF;

        table = PAGE_HEADER + (size_t)page->count * LEAF_ELEMENT;
        if (table > page->size)
                return outside(page, at, error);
        position = load32(element + (leaf ? 4 : 0));
        key_size = load32(element + (leaf ? 8 : 4));
        value_size = leaf ? load32(element + 12) : 0;
        start = offset + position;
        if (start < table || start > page->size || key_size > page->size - start ||
            value_size > page->size - start - key_size)
                return outside(page, at, error);
        *ret = (struct page_element){
                .key = { (const char *)page->data + start, key_size },
                .value = { (const char *)page->data + start + key_size, value_size },
                .flags = leaf ? load32(element) : 0,
                .child = leaf ? 0 : load64(element + 8),
        };
        return 0;
}

int page_check(const struct page *page, struct str low, struct str high, size_t *used_end,
               struct error *error) {
        struct str last = low;
        bool first = true;

        *used_end = PAGE_HEADER;
        if (page->flags == PAGE_BRANCH && page->count == 0)
                return error_set(error, -EUCLEAN, "page %ju is a branch without children",
                                 (uintmax_t)page->id);
        for (uint32_t i = 0; i < page->count; i++) {
                struct page_element element;
                int r = page_element(page, i, &element, error);
                int order;

                if (r < 0)
                        return r;
                order = last.ptr ? str_cmp(last, element.key) : -1;
                if (order > 0 || (order == 0 && !first) ||
                    (high.ptr && str_cmp(element.key, high) >= 0))
                        return error_set(error, -EUCLEAN, "the keys of page %ju are out of order",
                                         (uintmax_t)page->id);
                last = element.key;
                first = false;
                *used_end = MAX(*used_end, (size_t)(element.value.ptr + element.value.len -
                                                    (const char *)page->data));
        }
        return 0;
}

void page_free(struct page *page) {
        free(page->data);
        *page = (struct page){ 0 };
}
