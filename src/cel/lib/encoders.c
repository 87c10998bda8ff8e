/*
 * base64.*: cel-go's ext/encoders.go, which Kubernetes does not enable.
 */
#include "base/base64.h"

#include "cel/lib/lib.h"

static struct cel_value encode(struct cel_context *context, const struct cel_value *args,
                               _unused_ size_t count) {
        if (!cel_charge_bytes(context, args[0].string.len))
                return cel_give_up(context);
        return cel_string(base64_encode(context->scratch, args[0].string));
}

static struct cel_value decode(struct cel_context *context, const struct cel_value *args,
                               _unused_ size_t count) {
        struct str bytes;

        if (!cel_charge_bytes(context, args[0].string.len))
                return cel_give_up(context);
        if (base64_decode(context->scratch, args[0].string, &bytes) < 0)
                return cel_error(context->scratch, "illegal base64 data");
        return cel_bytes(bytes);
}

static const struct cel_function_row rows[] = {
        { "base64.decode(string) bytes", decode },
        { "base64.encode(bytes) string", encode },
};

CEL_LIBRARY(cel_library_encoders, "encoders", rows);
