#include "policy/value.h"

#include <errno.h>
#include <math.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/util.h"

struct conversion {
        struct arena *arena;
        struct buf path;
        struct error *error;
        size_t nodes;
        uint32_t depth;
        bool patch;   /* for a JSON patch */
        bool json;    /* by the rules of JSON; otherwise as Go's plain values */
        bool literal; /* directly within a list or map that the expression made */
};

static void conversion_free(struct conversion *conversion) {
        buf_free(&conversion->path);
}

static int convert(struct conversion *c, const struct cel_value *value, struct doc_node *ret);

static int refuse(struct conversion *c, const char *what) {
        if (c->patch)
                return error_set(c->error, -EINVAL,
                                 "JSONPath valueExpression evaluated to a type that could not "
                                 "marshal to JSON: %s",
                                 what);
        return error_set(c->error, -EINVAL,
                         "error applying patch: failed to convert patch object to typed object: "
                         "%.*s: expected a value of JSON, got %s",
                         STR_ARG(buf_str(&c->path)), what);
}

/* --- scalars --- */

/* What JSON can hold exactly is a number, the rest text (cel-go, common/types). */
enum { SAFE_BITS = 53 };

static void set_text(struct conversion *c, const struct cel_value *value, struct doc_node *ret) {
        doc_set_string(ret, cel_value_text(c->arena, value));
}

static void set_integer(struct doc_node *ret, int64_t integer) {
        ret->kind = DOC_INT;
        ret->integer = integer;
}

static int convert_double(struct conversion *c, double number, struct doc_node *ret) {
        if (!isfinite(number))
                return refuse(c, "a number that is not finite");
        if (number == trunc(number) && fabs(number) < 0x1p63) {
                set_integer(ret, (int64_t)number);
        } else {
                ret->kind = DOC_DOUBLE;
                ret->number = number;
        }
        return 0;
}

static const char *go_type(const struct cel_value *value) {
        switch ((enum cel_kind)value->kind) {
        case CEL_NULL:
                return "structpb.NullValue";
        case CEL_UINT:
                return "uint64";
        case CEL_BYTES:
                return "[]uint8";
        case CEL_TIMESTAMP:
                return "time.Time";
        case CEL_DURATION:
                return "time.Duration";
        case CEL_LIST:
                return "[]ref.Val";
        case CEL_MAP:
                return "map[ref.Val]ref.Val";
        default:
                return cel_type_name(cel_value_type(value)).ptr;
        }
}

/* What an object cannot hold as it is. */
static int convert_other_scalar(struct conversion *c, const struct cel_value *value,
                                struct doc_node *ret) {
        switch ((enum cel_kind)value->kind) {
        case CEL_NULL:
                if (!c->json)
                        break;
                ret->kind = DOC_NULL;
                return 0;
        case CEL_UINT:
                if (!c->patch)
                        break;
                if (value->uinteger >> SAFE_BITS)
                        set_text(c, value, ret);
                else
                        set_integer(ret, (int64_t)value->uinteger);
                return 0;
        case CEL_BYTES:
                if (!c->patch)
                        break;
                doc_set_string(ret, base64_encode(c->arena, value->string));
                return 0;
        case CEL_TIMESTAMP:
        case CEL_DURATION:
                if (!c->json)
                        break;
                set_text(c, value, ret);
                return 0;
        default:
                break;
        }
        return refuse(c, go_type(value));
}

static bool is_unsafe(int64_t integer) {
        return integer >= INT64_C(1) << SAFE_BITS || integer <= -(INT64_C(1) << SAFE_BITS);
}

static int convert_scalar(struct conversion *c, const struct cel_value *value,
                          struct doc_node *ret) {
        switch ((enum cel_kind)value->kind) {
        case CEL_BOOL:
                ret->kind = DOC_BOOL;
                ret->boolean = value->boolean;
                return 0;
        case CEL_INT:
                if (c->json && is_unsafe(value->integer))
                        set_text(c, value, ret);
                else
                        set_integer(ret, value->integer);
                return 0;
        case CEL_DOUBLE:
                return convert_double(c, value->number, ret);
        case CEL_STRING:
                doc_set_string(ret, value->string);
                return 0;
        default:
                return convert_other_scalar(c, value, ret);
        }
}

/* --- collections --- */

/* The message around such a map has no value; that is said of the one around that, if there is one.
 */
static int refuse_keys(struct conversion *c) {
        if (!c->patch && c->depth <= 2)
                return error_set(c->error, -EINVAL, "invalid return type: *dynamic.ObjectVal");
        return refuse(c, "a map with keys that are no strings");
}

/* Converts VALUE, which is at STEP (".name" or "[1]") of the value around it. */
static int convert_child(struct conversion *c, struct str step, const struct cel_value *value,
                         bool literal, struct doc_node *ret) {
        size_t path = c->path.len;
        bool outer = c->literal;
        int r;

        buf_add(&c->path, step);
        c->literal = literal;
        ret->flags = 0;
        r = convert(c, value, ret);
        c->literal = outer;
        c->path.len = path;
        return r;
}

static int convert_list(struct conversion *c, const struct cel_value *list, struct doc_node *ret) {
        struct doc_node *made = doc_new_list(c->arena, NULL, cel_list_size(list));
        bool literal = list->representation == CEL_NATIVE;

        ret->kind = DOC_LIST;
        ret->list = made->list;
        for (uint32_t i = 0; i < made->list.count; i++) {
                struct cel_value item = cel_list_at(list, i);
                char step[16];
                int r;

                (void)snprintf(step, sizeof step, "[%u]", i);
                r = convert_child(c, str_from(step), &item, literal, &made->list.items[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int convert_entry(struct conversion *c, struct doc_entry *entry, struct str name,
                         const struct cel_value *value, bool literal) {
        entry->key = name;
        return convert_child(c, arena_printf(c->arena, ".%.*s", STR_ARG(name)), value, literal,
                             &entry->value);
}

static void finish_map(struct conversion *c, struct doc_node *made, struct doc_node *ret) {
        doc_map_index(c->arena, made);
        ret->kind = DOC_MAP;
        ret->map = made->map;
}

static int convert_map(struct conversion *c, const struct cel_value *map, struct doc_node *ret) {
        struct doc_node *made = doc_new_map(c->arena, NULL, cel_map_size(map));
        bool literal = map->representation == CEL_NATIVE;

        for (uint32_t i = 0; i < made->map.count; i++) {
                struct cel_value key, value;
                int r;

                cel_map_at(map, i, &key, &value);
                if (key.kind != CEL_STRING)
                        return refuse_keys(c);
                r = convert_entry(c, &made->map.entries[i], key.string, &value, literal);
                if (r < 0)
                        return r;
        }
        finish_map(c, made, ret);
        return 0;
}

/* Upstream panics at messages in the lists and maps of a JSON patch's value. */
static int convert_message(struct conversion *c, const struct cel_message *message,
                           struct doc_node *ret) {
        struct doc_node *made = doc_new_map(c->arena, NULL, message->count);

        if (c->json && c->depth > 1)
                return refuse(c, "a message within a list or map");
        if (c->patch && str_eq(message->type->name, STR("JSONPatch")))
                return refuse(c, "JSONPatch");
        c->json = false;
        for (uint32_t i = 0; i < made->map.count; i++) {
                int r = convert_entry(c, &made->map.entries[i], message->names[i],
                                      &message->values[i], false);

                if (r < 0)
                        return r;
        }
        finish_map(c, made, ret);
        return 0;
}

/* --- values --- */

static int convert_optional(struct conversion *c, const struct cel_value *value,
                            struct doc_node *ret) {
        if (value->some)
                return convert(c, value->some, ret);
        if (c->json)
                return refuse(c, "optional.none() dereference");
        ret->kind = DOC_NULL;
        return 0;
}

static size_t size_of(const struct cel_value *value) {
        const struct cel_message *message = cel_message_of(value);

        return message                   ? message->count
               : value->kind == CEL_LIST ? cel_list_size(value)
               : value->kind == CEL_MAP  ? cel_map_size(value)
                                         : 0;
}

/* A list or map made within another one, and not within a message, stays for Go what it is in CEL,
 * and nothing can be done with it. */
static bool is_unusable(const struct conversion *c, const struct cel_value *value) {
        return c->literal && !c->json && (value->kind == CEL_LIST || value->kind == CEL_MAP) &&
               value->representation == CEL_NATIVE;
}

static int convert_any(struct conversion *c, const struct cel_value *value, struct doc_node *ret) {
        const struct cel_message *message = cel_message_of(value);

        if (value->kind == CEL_OPTIONAL)
                return convert_optional(c, value, ret);
        if (is_unusable(c, value))
                return refuse(c, go_type(value));
        if (message)
                return convert_message(c, message, ret);
        if (value->kind == CEL_LIST)
                return convert_list(c, value, ret);
        if (value->kind == CEL_MAP && value->representation != CEL_LAZY)
                return convert_map(c, value, ret);
        return convert_scalar(c, value, ret);
}

/* Values may share parts, so that a small program can make a tree without end. */
static int convert(struct conversion *c, const struct cel_value *value, struct doc_node *ret) {
        int r;

        c->nodes += size_of(value);
        if (c->nodes > doc_default_limits.nodes)
                return error_set(c->error, -E2BIG, "the expression makes more than %zu values",
                                 doc_default_limits.nodes);
        if (c->depth >= doc_default_limits.depth)
                return error_set(c->error, -E2BIG, "the value is nested too deeply");
        c->depth++;
        r = convert_any(c, value, ret);
        c->depth--;
        return r;
}

static int convert_root(struct conversion *c, const struct cel_value *value,
                        const struct doc_node **ret) {
        struct doc_node *made = arena_new(c->arena, struct doc_node);

        *ret = made;
        return convert(c, value, made);
}

/* --- the names of types --- */

struct names {
        struct buf path;     /* what the name of a type here must be */
        struct buf problems; /* in lines */
        uint32_t depth;
        size_t steps;
};

static void names_free(struct names *names) {
        buf_free(&names->path);
        buf_free(&names->problems);
}

static void check_names(struct names *names, const struct cel_value *value);

static void check_message_names(struct names *names, const struct cel_message *message) {
        struct str name = message->type->name;
        size_t path = names->path.len;

        if (!str_eq(name, buf_str(&names->path)))
                buf_printf(
                        &names->problems,
                        "%sunexpected type name \"%.*s\", expected \"%.*s\", which matches field "
                        "name path from root Object type",
                        names->problems.len > 0 ? "\n" : "", STR_ARG(name),
                        STR_ARG(buf_str(&names->path)));
        for (size_t i = 0; i < message->count; i++) {
                buf_printf(&names->path, ".%.*s", STR_ARG(message->names[i]));
                check_names(names, &message->values[i]);
                names->path.len = path;
        }
}

/* Lists and maps that the expression made have no name of their own. */
static void check_names(struct names *names, const struct cel_value *value) {
        size_t count = size_of(value);

        names->steps += count;
        if (names->depth >= doc_default_limits.depth || names->steps > doc_default_limits.nodes)
                return; /* the conversion refuses it */
        names->depth++;
        if (cel_message_of(value)) {
                check_message_names(names, cel_message_of(value));
        } else if (value->representation == CEL_NATIVE) {
                for (size_t i = 0; i < count; i++) {
                        struct cel_value key, item;

                        if (value->kind == CEL_LIST)
                                item = cel_list_at(value, i);
                        else
                                cel_map_at(value, i, &key, &item);
                        check_names(names, &item);
                }
        }
        names->depth--;
}

int policy_check_type_names(const struct cel_value *message, struct error *error) {
        struct names names _cleanup_(names_free) = { 0 };

        buf_add(&names.path, cel_message_of(message)->type->name);
        check_names(&names, message);
        if (names.problems.len == 0)
                return 0;
        return error_set(error, -EINVAL, "type mismatch: %s", names.problems.data);
}

/* --- the public interface --- */

int policy_configuration(struct arena *arena, const struct cel_value *message,
                         const struct doc_node **ret, struct error *error) {
        struct conversion c _cleanup_(conversion_free) = { .arena = arena, .error = error };

        return convert_root(&c, message, ret);
}

int policy_json_value(struct arena *arena, const struct cel_value *value,
                      const struct doc_node **ret, struct error *error) {
        struct conversion c _cleanup_(
                conversion_free) = { .arena = arena, .error = error, .patch = true, .json = true };

        return convert_root(&c, value, ret);
}
