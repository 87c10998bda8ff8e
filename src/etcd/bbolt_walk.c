/* Trees of a bbolt file. */
#include <errno.h>

#include "base/util.h"
#include "etcd/bbolt_page.h"

void bbolt_bits_init(struct bbolt_bits *bits, uint64_t count) {
        bits->count = count;
        bits->words = calloc((size_t)(count / 64 + 1), sizeof *bits->words);
        if (!bits->words)
                out_of_memory();
}

void bbolt_bits_free(struct bbolt_bits *bits) {
        free(bits->words);
        *bits = (struct bbolt_bits){ 0 };
}

bool bbolt_set_bit(struct bbolt_bits *bits, uint64_t at) {
        bool was = bbolt_bit(bits, at);

        if (at >= bits->count) {
                size_t old = (size_t)(bits->count / 64 + 1), size = (size_t)(at / 64 + 1) * 2;

                bits->words = xrealloc(bits->words, size, sizeof *bits->words);
                memset(bits->words + old, 0, (size - old) * sizeof *bits->words);
                bits->count = (uint64_t)(size - 1) * 64;
        }
        bits->words[at / 64] |= UINT64_C(1) << at % 64;
        return was;
}

static void set_run(struct bbolt_bits *bits, const struct page *page) {
        for (uint64_t i = 0; i <= page->overflow; i++)
                bbolt_set_bit(bits, page->id + i);
}

/* Marks PAGE with its overflow. A page that is marked already is part of two trees, or of a circle.
 */
static int mark(struct bbolt_bits *bits, const struct page *page, struct error *error) {
        for (uint64_t i = 0; i <= page->overflow; i++)
                if (bbolt_set_bit(bits, page->id + i))
                        return error_set(error, -EUCLEAN, "page %ju is used twice",
                                         (uintmax_t)(page->id + i));
        return 0;
}

/* --- one bucket --- */

struct level {
        struct page page;
        uint32_t left; /* elements that were not gone through */
        struct str low, high;
};

struct walk {
        struct bbolt *db;
        struct str before;
        bbolt_item_fn *fn;
        void *userdata;
        struct bbolt_bits visited, *used;
        struct level levels[BBOLT_DEPTH_MAX];
        size_t depth;
};

static void walk_free(struct walk *walk) {
        for (size_t i = 0; i < BBOLT_DEPTH_MAX; i++)
                page_free(&walk->levels[i].page);
        bbolt_bits_free(&walk->visited);
}

static int show_leaf(const struct page *page, size_t used_end, struct str before, bbolt_item_fn *fn,
                     void *userdata, struct error *error) {
        struct bbolt_item end = { .id = page->id,
                                  .value = { (const char *)page->data + used_end,
                                             page->size - used_end } };

        for (uint32_t i = page->count; i-- > 0;) {
                struct bbolt_item item = { .id = page->id };
                struct page_element element;
                int r = page_element(page, i, &element, error);

                if (r < 0)
                        return r;
                if (before.ptr && str_cmp(element.key, before) >= 0)
                        continue;
                item.key = element.key;
                item.value = element.value;
                item.bucket = element.flags & LEAF_BUCKET;
                r = fn(userdata, &item);
                if (r < 0)
                        return r;
        }
        return fn(userdata, &end);
}

/* Reads page ID, whose keys are within LOW and HIGH, as the next level; a leaf is shown at once. */
static int descend(struct walk *walk, uint64_t id, struct str low, struct str high,
                   struct error *error) {
        struct level *level = &walk->levels[walk->depth];
        size_t used_end;
        int r;

        if (walk->depth + 1 >= BBOLT_DEPTH_MAX)
                return error_set(error, -EUCLEAN, "the tree is nested too deeply at page %ju",
                                 (uintmax_t)id);
        r = page_read(walk->db, id, &level->page, error);
        if (r >= 0)
                r = mark(&walk->visited, &level->page, error);
        if (r >= 0)
                r = page_check(&level->page, low, high, &used_end, error);
        if (r < 0)
                return r;
        if (walk->used)
                set_run(walk->used, &level->page);
        if (level->page.flags == PAGE_LEAF)
                return show_leaf(&level->page, used_end, walk->before, walk->fn, walk->userdata,
                                 error);
        level->left = level->page.count;
        level->low = low;
        level->high = high;
        walk->depth++;
        return 0;
}

/* Goes into the last child of the level at hand that was not gone through. */
static int step(struct walk *walk, struct error *error) {
        struct level *level = &walk->levels[walk->depth - 1];
        struct page_element child, next;
        uint32_t at = --level->left;
        struct str high = level->high;
        int r = page_element(&level->page, at, &child, error);

        if (r >= 0 && at + 1 < level->page.count) {
                r = page_element(&level->page, at + 1, &next, error);
                high = next.key;
        }
        if (r < 0)
                return r;
        if (walk->before.ptr && str_cmp(child.key, walk->before) >= 0)
                return 0;
        return descend(walk, child.child, child.key, high, error);
}

int bbolt_walk(struct bbolt *db, uint64_t root, struct str before, bbolt_item_fn *fn,
               void *userdata, struct bbolt_bits *used, struct error *error) {
        struct walk walk _cleanup_(walk_free) = {
                .db = db, .before = before, .fn = fn, .userdata = userdata, .used = used
        };
        int r;

        bbolt_bits_init(&walk.visited, db->high_water);
        r = descend(&walk, root, (struct str){ 0 }, (struct str){ 0 }, error);
        while (r >= 0 && walk.depth > 0)
                if (walk.levels[walk.depth - 1].left > 0)
                        r = step(&walk, error);
                else
                        walk.depth--;
        return r;
}

int bbolt_walk_inline(struct str bytes, struct str before, bbolt_item_fn *fn, void *userdata,
                      struct error *error) {
        struct page page = { .data = (unsigned char *)(uintptr_t)bytes.ptr, .size = bytes.len };
        size_t used_end;
        int r;

        if (bytes.len < PAGE_HEADER)
                return error_set(error, -EUCLEAN, "a bucket within an item is cut off");
        page_header(&page, page.data);
        if (page.flags != PAGE_LEAF)
                return error_set(error, -EUCLEAN, "a bucket within an item is no leaf");
        r = page_check(&page, (struct str){ 0 }, (struct str){ 0 }, &used_end, error);
        return r < 0 ? r : show_leaf(&page, used_end, before, fn, userdata, error);
}

/* --- buckets --- */

struct search {
        struct str name;
        struct bbolt_bucket *ret;
        bool found;
};

static int match_bucket(void *userdata, const struct bbolt_item *item) {
        struct search *search = userdata;

        if (!item->key.ptr || !item->bucket || !str_eq(item->key, search->name) ||
            item->value.len < BUCKET_HEADER)
                return 0;
        search->found = true;
        search->ret->root = load64((const unsigned char *)item->value.ptr);
        buf_clear(&search->ret->inline_page);
        if (search->ret->root == 0)
                buf_add(&search->ret->inline_page,
                        str_slice(item->value, BUCKET_HEADER, item->value.len));
        return 0;
}

int bbolt_find_bucket(struct bbolt *db, struct str name, struct bbolt_bucket *ret,
                      struct error *error) {
        struct search search = { .name = name, .ret = ret };
        int r = bbolt_walk(db, db->root, (struct str){ 0 }, match_bucket, &search, NULL, error);

        return r < 0 ? r : search.found;
}

/* --- what is no tree --- */

int bbolt_mark_own(struct bbolt *db, struct bbolt_bits *used, struct error *error) {
        unsigned char header[PAGE_HEADER];
        struct page page = { 0 };

        bbolt_set_bit(used, 0);
        bbolt_set_bit(used, 1);
        if (db->freelist == BBOLT_NO_FREELIST)
                return 0;
        if (db->freelist < 2 || db->freelist >= db->high_water ||
            bbolt_pread(db->fd, header, sizeof header, db->freelist * db->page_size) !=
                    sizeof header)
                return error_set(error, -EUCLEAN, "there is no list of free pages");
        page_header(&page, header);
        if (page.id != db->freelist || page.flags != PAGE_FREELIST ||
            page.overflow >= db->high_water - page.id)
                return error_set(error, bbolt_is_current(db) ? -EUCLEAN : -EAGAIN,
                                 "the list of free pages is damaged");
        set_run(used, &page);
        return 0;
}
