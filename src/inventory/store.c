#include "inventory/store.h"

#include "base/util.h"

enum { FIRST_SLOTS = 256 };

static struct store_object **slot_of(const struct store *store, struct str path) {
        return &store->slots[str_hash(path) & (store->slot_count - 1)];
}

struct store_object *store_find(const struct store *store, struct str path) {
        struct store_object *object = store->slot_count > 0 ? *slot_of(store, path) : NULL;

        while (object && !str_eq(object->path, path))
                object = object->next;
        return object;
}

static void grow(struct store *store) {
        size_t count = store->slot_count > 0 ? store->slot_count * 2 : FIRST_SLOTS;

        free(store->slots);
        store->slots = xrealloc(NULL, count, sizeof(struct store_object *));
        memset(store->slots, 0, count * sizeof(struct store_object *));
        store->slot_count = count;
        for (struct store_object *object = store->oldest; object; object = object->younger) {
                struct store_object **slot = slot_of(store, object->path);

                object->next = *slot;
                *slot = object;
        }
}

static struct str *texts_of(struct store_object *object, struct str *texts[static 8]) {
        struct str *const all[] = { &object->path,          &object->text,       &object->version,
                                    &object->uid,           &object->owner_path, &object->owner_uid,
                                    &object->owner_version, &object->owner_kind };

        memcpy(texts, all, sizeof all);
        return &object->owner_name;
}

static size_t size_of(const struct store_object *object) {
        struct store_object copy = *object;
        struct str *texts[8];
        size_t size = sizeof *object + texts_of(&copy, texts)->len + 1;

        for (size_t i = 0; i < ELEMENTS(texts); i++)
                size += texts[i]->len + 1;
        return size;
}

static char *place(char *to, struct str *text) {
        if (text->len > 0)
                memcpy(to, text->ptr, text->len);
        to[text->len] = '\0';
        text->ptr = to;
        return to + text->len + 1;
}

/* OBJECT with all its text in one block. */
static struct store_object *copy_of(const struct store_object *object) {
        struct store_object *copy = xrealloc(NULL, 1, size_of(object));
        char *to = (char *)(copy + 1);
        struct str *texts[8], *last;

        *copy = *object;
        last = texts_of(copy, texts);
        for (size_t i = 0; i < ELEMENTS(texts); i++)
                to = place(to, texts[i]);
        place(to, last);
        return copy;
}

static void unlink_slot(struct store *store, struct store_object *object) {
        struct store_object **at = slot_of(store, object->path);

        while (*at != object)
                at = &(*at)->next;
        *at = object->next;
}

static void link_age(struct store *store, struct store_object *object) {
        if (object->older)
                object->older->younger = object;
        else
                store->oldest = object;
        if (object->younger)
                object->younger->older = object;
        else
                store->youngest = object;
}

struct store_object *store_put(struct store *store, const struct store_object *object) {
        struct store_object *old = store_find(store, object->path), *made = copy_of(object);
        struct store_object **slot;

        if (!old && store->count >= store->slot_count)
                grow(store);
        made->older = old ? old->older : store->youngest;
        made->younger = old ? old->younger : NULL;
        if (old) {
                made->data = old->data;
                made->dirty = old->dirty;
                unlink_slot(store, old);
                store->bytes -= size_of(old);
                free(old);
        } else
                store->count++;
        link_age(store, made);
        slot = slot_of(store, made->path);
        made->next = *slot;
        *slot = made;
        store->bytes += size_of(made);
        return made;
}

void store_remove(struct store *store, struct store_object *object) {
        unlink_slot(store, object);
        if (object->older)
                object->older->younger = object->younger;
        else
                store->oldest = object->younger;
        if (object->younger)
                object->younger->older = object->older;
        else
                store->youngest = object->older;
        store->count--;
        store->bytes -= size_of(object);
        free(object);
}

void store_free(struct store *store) {
        while (store->oldest)
                store_remove(store, store->oldest);
        free(store->slots);
        *store = (struct store){ 0 };
}
