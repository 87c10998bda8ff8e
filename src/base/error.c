#include "base/error.h"

#include <stdio.h>

static void set(struct error *error, uint32_t line, uint32_t column, const char *format,
                va_list args) {
        vsnprintf(error->message, sizeof error->message, format, args);
        error->file[0] = 0;
        error->line = line;
        error->column = column;
}

int error_set(struct error *error, int code, const char *format, ...) {
        va_list args;

        if (!error)
                return code;
        va_start(args, format);
        set(error, 0, 0, format, args);
        va_end(args);
        return code;
}

int error_set_at(struct error *error, int code, uint32_t line, uint32_t column, const char *format,
                 ...) {
        va_list args;

        if (!error)
                return code;
        va_start(args, format);
        set(error, line, column, format, args);
        va_end(args);
        return code;
}

void error_set_file(struct error *error, struct str file) {
        if (error && error->file[0] == 0)
                snprintf(error->file, sizeof error->file, "%.*s", STR_ARG(file));
}
