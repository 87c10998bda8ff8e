/*
 * jsonpatch.escapeKey: a key as a reference token of a JSON Pointer (RFC 6901). Only policies that
 * mutate have it (apiserver pkg/cel/library/jsonpatch.go).
 */
#include "cel/lib/lib.h"

static struct cel_value escape_key(struct cel_context *context, const struct cel_value *args,
                                   _unused_ size_t count) {
        struct builder builder = { .arena = context->scratch };
        struct str key = args[0].string;

        if (!cel_charge_bytes(context, key.len))
                return cel_give_up(context);
        for (size_t i = 0; i < key.len; i++) {
                if (key.ptr[i] == '/')
                        builder_add(&builder, STR("~1"));
                else if (key.ptr[i] == '~')
                        builder_add(&builder, STR("~0"));
                else
                        builder_add_char(&builder, key.ptr[i]);
        }
        return cel_string(builder_str(&builder));
}

static const struct cel_function_row rows[] = {
        { .signature = "jsonpatch.escapeKey(string) string", .call = escape_key },
};

CEL_LIBRARY(cel_library_jsonpatch, "jsonpatch", rows);
