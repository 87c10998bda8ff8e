#include "report/write.h"

static bool is_key_char(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '-' || c == '/';
}

bool remedy_is_code(struct str line) {
        size_t end = 0;

        if (line.len == 0 || strchr(" \t-#", line.ptr[0]))
                return true;
        while (end < line.len && is_key_char(line.ptr[end]))
                end++;
        return end > 0 && end < line.len && line.ptr[end] == ':' &&
               (end + 1 == line.len || (line.ptr[end + 1] == ' ' && line.ptr[0] >= 'a'));
}

void write_remedy(struct buf *buf, const struct report_style *style, size_t column, size_t hang,
                  struct str remedy) {
        struct str line;

        while (remedy.len > 0 && strchr("\r\n", remedy.ptr[0]) && remedy.ptr[0])
                remedy = str_slice(remedy, 1, remedy.len);
        while (remedy.len > 0 && strchr(" \r\n", remedy.ptr[remedy.len - 1]) &&
               remedy.ptr[remedy.len - 1])
                remedy.len--;
        for (bool first = true; str_split(&remedy, '\n', &line); first = false) {
                struct flow flow = flow_begin(buf, style, first ? column : hang, hang);

                if (line.len > 0 && line.ptr[line.len - 1] == '\r')
                        line.len--;
                if (!first && line.len > 0)
                        buf_add_repeat(buf, ' ', hang);
                if (remedy_is_code(line))
                        buf_add_terminal(buf, line);
                else
                        flow_words(&flow, INK_PLAIN, line);
                buf_add_char(buf, '\n');
        }
}
