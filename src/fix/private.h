/*
 * What the files of this module share. Private to src/fix.
 */
#pragma once

#include "fix/fix.h"

/* A file that a finding is in. */
struct fix_source {
        struct str path;
        const struct input_file *input; /* NULL: it is new */
        struct buf buf;                 /* what was read */
        struct arena arena;
        struct str raw; /* its bytes */
        size_t skipped; /* of them, before the text: a byte order mark */
        struct doc_source source;
        struct str problem; /* why it cannot be changed; empty: it can */
        VEC(struct fix_document *) documents;
};

/* A document, and what fixes make of it. */
struct fix_document {
        struct fix_source *source;
        const struct doc *doc;
        struct resource_list resources; /* as they are written */
        const struct doc_node *tree;    /* NULL: removed */
        bool careful;                   /* its text is made anew after each fix */
};

struct fix_run {
        const struct fix_input *input;
        bool unsafe;
        struct arena arena; /* as long as the run */
        struct arena round; /* of what is applied at present */
        struct map sources; /* path -> struct fix_source */
        struct map inputs;  /* path -> struct input_file; filled when first needed */
        VEC(struct fix *) fixes;
        VEC(struct fix_file) files;
        VEC(void *) selves; /* of the providers, by their number in the table */
        VEC(bool) started;
        struct map signatures; /* what a fix does -> struct fix */
        size_t without;
        size_t scans; /* that checks took */
};

/* providers.c: all of them; ends with NULL. */
extern const struct fix_provider *const fix_providers[];

/* limits.c: quotas and limits of namespaces. */
extern const struct fix_provider fix_limit_range, fix_quota;
const struct fix_provider *fix_provider_for(struct str rule, size_t *ret_number);

/* source.c: the file PATH of the input, loaded when first asked for. NULL: there is none. */
struct fix_source *fix_source_get(struct fix_run *run, struct str path);
void fix_sources_free(struct fix_run *run);

/* source.c: finds the object at POS of SOURCE, and the value there. */
bool fix_source_find(struct fix_source *source, struct doc_pos pos, struct fix_target *ret,
                     uint32_t *ret_resource);

/* source.c: appends the text of SOURCE with what fixes made of its documents. Where one cannot be
 * written so, an error, and it is marked as careful. */
int fix_source_text(struct fix_source *source, struct buf *buf, struct error *error);

/* Whether some document of SOURCE is not as it was read. */
bool fix_source_changed(const struct fix_source *source);

/* mutation.c: applies FIX's policy to its object, and fills its edits. */
int fix_mutate(struct fix *fix, struct error *error);

/* apply.c: applies the chosen fixes to fresh documents, in order, and fills run->files. One that
 * cannot be applied is not chosen any more, and has its reason. */
void fix_apply(struct fix_run *run);
int fix_apply_edit(struct fix *fix, const struct fix_edit *edit, struct error *error);

/* check.c: chooses of the fixes those that keep what they promise. */
void fix_check(struct fix_run *run);

/* What a fix does, as text: equal ones do the same. */
struct str fix_signature(struct fix *fix);

void fix_give_up(struct fix *fix, enum fix_state state, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* default_deny.c, narrow.c: network policies. */
extern const struct fix_provider fix_default_deny, fix_narrow_policy;
