/*
 * The controls of frameworks that a policy answers: redoubt.io/controls.
 */
#include <errno.h>

#include "base/util.h"
#include "kube/version.h"
#include "policy/fields.h"
#include "policy/private.h"

struct control {
        struct str name;
        struct policy_span span;
};

static int compare_controls(const void *a, const void *b) {
        const struct control *x = a, *y = b;

        return str_cmp(x->name, y->name);
}

/* The minor in TEXT; FALLBACK where it is empty. */
static int read_minor(struct str text, uint16_t fallback, uint16_t *ret) {
        *ret = fallback;
        return text.len > 0 ? kube_minor_parse(text, ret) : 0;
}

/* Takes "pss-baseline:sysctls@1.29-1.31" apart. */
static int read_control(struct str text, struct control *ret) {
        ptrdiff_t at = str_find(text, STR("@"), 0), dash;
        struct str versions;

        *ret = (struct control){ text, { 0, KUBE_MINOR_LATEST } };
        if (at < 0)
                return 0;
        ret->name = str_slice(text, 0, (size_t)at);
        versions = str_slice(text, (size_t)at + 1, text.len);
        dash = str_find(versions, STR("-"), 0);
        if (dash < 0)
                return -EINVAL;
        if (read_minor(str_slice(versions, 0, (size_t)dash), 0, &ret->span.since) < 0 ||
            read_minor(str_slice(versions, (size_t)dash + 1, versions.len), KUBE_MINOR_LATEST,
                       &ret->span.until) < 0)
                return -EINVAL;
        return ret->span.since <= ret->span.until ? 0 : -EINVAL;
}

/* Splits the names, which reports show, from the spans. */
static void keep_controls(struct arena *arena, const struct control *controls, size_t count,
                          struct policy *policy) {
        struct policy_span *spans = arena_new_array(arena, count, struct policy_span);
        struct str *names = arena_new_array(arena, count, struct str);

        policy->former = count > 0;
        for (size_t i = 0; i < count; i++) {
                names[i] = controls[i].name;
                spans[i] = controls[i].span;
                policy->former = policy->former && spans[i].until != KUBE_MINOR_LATEST;
        }
        policy->spans = spans;
        policy->info.controls = names;
        policy->info.control_count = count;
}

int policy_read_controls(struct arena *arena, const struct doc_node *annotation,
                         struct policy *policy, struct error *error) {
        struct str text = doc_string(annotation, STR("")), part;
        VEC(struct control) controls = { 0 };

        while (str_split(&text, ',', &part)) {
                part = str_trim(part);
                if (part.len > 0 && read_control(part, vec_push_in(arena, &controls)) < 0)
                        return bad(annotation, error,
                                   "control \"%.*s\" has no such versions: they look like "
                                   "@1.29-1.31, @1.34- or @-1.30",
                                   STR_ARG(part));
        }
        if (controls.count > 1)
                qsort(controls.items, controls.count, sizeof *controls.items, compare_controls);
        keep_controls(arena, controls.items, controls.count, policy);
        return 0;
}
