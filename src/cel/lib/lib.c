#include "cel/lib/lib.h"

#include "base/utf8.h"

static void reserve(struct builder *builder, size_t more) {
        size_t capacity;
        char *data;

        if (more <= builder->capacity - builder->len)
                return;
        if (__builtin_add_overflow(builder->len, more, &capacity) ||
            __builtin_mul_overflow(capacity, 2, &capacity))
                out_of_memory();
        data = arena_alloc(builder->arena, capacity);
        if (builder->len > 0)
                memcpy(data, builder->data, builder->len);
        builder->data = data;
        builder->capacity = capacity;
}

void builder_add(struct builder *builder, struct str s) {
        if (s.len == 0)
                return;
        reserve(builder, s.len);
        memcpy(builder->data + builder->len, s.ptr, s.len);
        builder->len += s.len;
}

void builder_add_char(struct builder *builder, char c) {
        reserve(builder, 1);
        builder->data[builder->len++] = c;
}

void builder_add_repeat(struct builder *builder, char c, size_t count) {
        if (count == 0)
                return;
        reserve(builder, count);
        memset(builder->data + builder->len, c, count);
        builder->len += count;
}

void builder_add_rune(struct builder *builder, int32_t code) {
        char encoded[4];
        size_t len = code < 0 ? 0 : utf8_encode(code, encoded);

        if (len == 0)
                builder_add(builder, STR("\xef\xbf\xbd"));
        else
                builder_add(builder, (struct str){ encoded, len });
}

void builder_printf(struct builder *builder, const char *format, ...) {
        va_list args;

        va_start(args, format);
        builder_add(builder, arena_vprintf(builder->arena, format, args));
        va_end(args);
}

struct cel_value cel_string_list(struct arena *arena, const struct str *strings, size_t count) {
        struct cel_value *items = arena_new_array(arena, count, struct cel_value);

        for (size_t i = 0; i < count; i++)
                items[i] = cel_string(strings[i]);
        return cel_list_value(arena, items, count);
}

bool cel_charge_bytes(struct cel_context *context, size_t size) {
        return cel_charge(context, size / 64);
}

struct cel_value cel_give_up(struct cel_context *context) {
        return cel_error(context->scratch, "operation cancelled: actual cost limit exceeded");
}

struct str cel_valid_text(struct arena *arena, struct str s) {
        struct builder builder = { .arena = arena };
        size_t offset = 0;

        if (utf8_valid(s))
                return s;
        while (offset < s.len)
                builder_add_rune(&builder, utf8_next(s, &offset));
        return builder_str(&builder);
}
