/*
 * URLs in CEL (apiserver pkg/cel/library/urls.go).
 */
#include "base/map.h"
#include "base/vec.h"
#include "cel/lib/lib.h"
#include "cel/lib/url_parse.h"

static const struct cel_type url_type = { .kind = CEL_TYPE_OPAQUE,
                                          .name = STR_INIT("kubernetes.URL") };

struct url_value {
        struct url url;
        struct str text;
};

static bool url_equal(const void *a, const void *b) {
        return str_eq(((const struct url_value *)a)->text, ((const struct url_value *)b)->text);
}

static const struct cel_opaque_type url_opaque = { .name = STR_INIT("kubernetes.URL"),
                                                   .type = &url_type,
                                                   .equal = url_equal };

static const struct url *url_of(const struct cel_value *value) {
        return &((const struct url_value *)value->opaque)->url;
}

/* Reading it twice is upstream's way to have a fragment in an absolute URL. */
static struct cel_value url(struct cel_context *context, const struct cel_value *args,
                            _unused_ size_t count) {
        struct url_value *made = arena_new(context->scratch, struct url_value);
        struct str problem = { 0 };

        if (!cel_charge_bytes(context, args[0].string.len))
                return cel_give_up(context);
        if (url_parse(context->scratch, args[0].string, false, &made->url, &problem) < 0 ||
            url_parse(context->scratch, args[0].string, true, &made->url, &problem) < 0)
                return cel_error(context->scratch,
                                 "URL parse error during conversion from string: %.*s",
                                 STR_ARG(problem));
        made->text = url_text(context->scratch, &made->url);
        return cel_opaque(&url_opaque, made);
}

static struct cel_value is_url(struct cel_context *context, const struct cel_value *args,
                               _unused_ size_t count) {
        struct url parsed;

        if (!cel_charge_bytes(context, args[0].string.len))
                return cel_give_up(context);
        return cel_bool(url_parse(context->scratch, args[0].string, false, &parsed, NULL) >= 0);
}

static struct cel_value get_scheme(_unused_ struct cel_context *context,
                                   const struct cel_value *args, _unused_ size_t count) {
        return cel_string(url_of(&args[0])->scheme);
}

static struct cel_value get_host(_unused_ struct cel_context *context, const struct cel_value *args,
                                 _unused_ size_t count) {
        return cel_string(url_of(&args[0])->host);
}

static struct cel_value get_hostname(_unused_ struct cel_context *context,
                                     const struct cel_value *args, _unused_ size_t count) {
        struct str name, port;

        url_split_host(url_of(&args[0])->host, &name, &port);
        return cel_string(name);
}

static struct cel_value get_port(_unused_ struct cel_context *context, const struct cel_value *args,
                                 _unused_ size_t count) {
        struct str name, port;

        url_split_host(url_of(&args[0])->host, &name, &port);
        return cel_string(port);
}

static struct cel_value get_escaped_path(struct cel_context *context, const struct cel_value *args,
                                         _unused_ size_t count) {
        return cel_string(url_escaped_path(context->scratch, url_of(&args[0])));
}

/* --- the query --- */

enum { QUERY_PARAMETERS = 10000 }; /* net/url gives up on more */

struct parameter {
        struct str key;
        VEC(struct cel_value) values;
};

/* Splits "key=value" and decodes both. Returns false for what is ignored. */
static bool read_parameter(struct arena *arena, struct str text, struct str *ret_key,
                           struct str *ret_value) {
        ptrdiff_t equals = str_find(text, STR("="), 0);
        struct str key = str_slice(text, 0, equals < 0 ? text.len : (size_t)equals);

        if (text.len == 0 || str_find(text, STR(";"), 0) >= 0)
                return false;
        return url_query_unescape(arena, key, ret_key) >= 0 &&
               url_query_unescape(arena, str_slice(text, key.len + 1, text.len), ret_value) >= 0;
}

static struct cel_value query_map(struct arena *arena, const struct map *parameters) {
        struct cel_value *keys = arena_new_array(arena, parameters->count, struct cel_value);
        struct cel_value *values = arena_new_array(arena, parameters->count, struct cel_value);

        for (size_t i = 0; i < parameters->count; i++) {
                const struct parameter *parameter = parameters->entries[i].value;

                keys[i] = cel_string(parameter->key);
                values[i] = cel_list_value(arena, parameter->values.items, parameter->values.count);
        }
        return cel_map_value(arena, keys, values, parameters->count);
}

static struct cel_value get_query(struct cel_context *context, const struct cel_value *args,
                                  _unused_ size_t count) {
        _cleanup_(map_free) struct map parameters = MAP_INIT;
        struct str rest = url_of(&args[0])->raw_query, part, key, value;
        size_t parts = 1;

        for (size_t i = 0; i < rest.len; i++)
                parts += rest.ptr[i] == '&';
        if (!cel_charge(context, parts) || !cel_charge_bytes(context, rest.len))
                return cel_give_up(context);
        if (parts > QUERY_PARAMETERS)
                rest = (struct str){ 0 };
        while (str_split(&rest, '&', &part)) {
                struct map_entry *entry;
                struct parameter *parameter;

                if (!read_parameter(context->scratch, part, &key, &value))
                        continue;
                entry = map_put(&parameters, key);
                if (!entry->value) {
                        parameter = arena_new(context->scratch, struct parameter);
                        parameter->key = key;
                        entry->value = parameter;
                }
                parameter = entry->value;
                *vec_push_in(context->scratch, &parameter->values) = cel_string(value);
        }
        return query_map(context->scratch, &parameters);
}

#define URL "kubernetes.URL"

static const struct cel_function_row rows[] = {
        { .signature = "url(string) " URL, .call = url },
        { .signature = "isURL(string) bool", .call = is_url },
        { .signature = URL ".getScheme() string", .call = get_scheme },
        { .signature = URL ".getHost() string", .call = get_host },
        { .signature = URL ".getHostname() string", .call = get_hostname },
        { .signature = URL ".getPort() string", .call = get_port },
        { .signature = URL ".getEscapedPath() string", .call = get_escaped_path },
        { .signature = URL ".getQuery() map(string, list(string))", .call = get_query },
};

CEL_LIBRARY(cel_library_url, "url", rows);
