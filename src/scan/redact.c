#include "scan/redact.h"

#include <ctype.h>
#include <strings.h>

#include "base/utf8.h"
#include "base/util.h"

/* Where the value of "key: value", "- key: value" or {"key": "value"} begins; the length of LINE
 * where there is none. */
static size_t value_offset(struct str line, struct str *ret_key) {
        ptrdiff_t colon = str_find(line, STR(": "), 0);
        struct str key;
        size_t at;

        if (colon < 0)
                colon = str_find(line, STR("\":"), 0) < 0 ? -1 : str_find(line, STR("\":"), 0) + 1;
        if (colon < 0)
                return line.len;
        key = str_trim(str_slice(line, 0, (size_t)colon));
        while (key.len > 0 && strchr("-{[ \"'", key.ptr[0]))
                key = str_slice(key, 1, key.len);
        while (key.len > 0 && strchr("\"'", key.ptr[key.len - 1]))
                key.len--;
        *ret_key = key;
        for (at = (size_t)colon + 1; at < line.len && line.ptr[at] == ' ';)
                at++;
        return at;
}

static bool contains_word(struct str text, const char *word) {
        size_t length = strlen(word);

        for (size_t i = 0; i + length <= text.len; i++)
                if (strncasecmp(text.ptr + i, word, length) == 0)
                        return true;
        return false;
}

/* secretName, tokenExpirationSeconds and the like speak about a secret, they do not hold one. */
static bool only_refers(struct str key) {
        static const char *const endings[] = { "Name",    "Ref", "Path", "Kind",
                                               "Seconds", "Key", "name", "path" };

        for (size_t i = 0; i < ELEMENTS(endings); i++)
                if (str_ends(key, str_from(endings[i])))
                        return !str_eq(key, STR("apiKey")) && !str_eq(key, STR("privateKey"));
        return false;
}

static bool sounds_like_credential(struct str key) {
        static const char *const words[] = { "password",    "passwd",      "passphrase",
                                             "secret",      "token",       "apikey",
                                             "api_key",     "api-key",     "privatekey",
                                             "private_key", "private-key", "credential",
                                             "accesskey",   "access_key",  "access-key" };

        for (size_t i = 0; i < ELEMENTS(words); i++)
                if (contains_word(key, words[i]))
                        return !only_refers(key);
        return false;
}

/* A switch, a number or the beginning of something nested is no secret. */
static bool is_harmless(struct str value) {
        static const char *const words[] = { "true", "false", "null", "~", "|", ">", "|-", ">-" };

        value = str_trim(value);
        for (size_t i = 0; i < ELEMENTS(words); i++)
                if (str_eq(value, str_from(words[i])))
                        return true;
        for (size_t i = 0; i < value.len; i++)
                if (!isdigit((unsigned char)value.ptr[i]))
                        return value.ptr[0] == '{' && value.len == 1;
        return true;
}

struct str redact_line(struct arena *arena, struct str line, bool always) {
        struct str key = STR("");
        size_t at = value_offset(line, &key);
        struct str value = str_slice(line, at, line.len);

        if (always && (at == line.len || str_trim(value).len == 0)) {
                /* A line of a block: nothing but its indentation may be shown, or nothing is there.
                 */
                struct str text = str_trim(line);
                size_t indent = text.len ? (size_t)(text.ptr - line.ptr) : 0;

                if (text.len == 0 || text.ptr[text.len - 1] == ':')
                        return line;
                return arena_printf(arena, "%.*s" REDACTED, STR_ARG(str_slice(line, 0, indent)));
        }
        if (is_harmless(value) ||
            (!always && !str_eq(key, STR("value")) && !sounds_like_credential(key)))
                return line;
        return arena_printf(arena, "%.*s" REDACTED, STR_ARG(str_slice(line, 0, at)));
}

struct str redact_span(struct arena *arena, struct str line, uint32_t from, uint32_t to) {
        size_t begin = utf8_offset(line, from > 0 ? from - 1 : 0);
        size_t end = to > from ? utf8_offset(line, to - 1) : line.len;

        if (begin >= line.len)
                return line;
        return arena_printf(arena, "%.*s" REDACTED "%.*s", STR_ARG(str_slice(line, 0, begin)),
                            STR_ARG(str_slice(line, end, line.len)));
}

static bool covers(const struct doc_node *node, uint32_t line) {
        return node && node->kind == DOC_MAP && line >= node->start.line && line <= node->end.line;
}

bool redact_is_secret_data(const struct doc_node *object, uint32_t line) {
        if (!str_eq(doc_string(doc_get(object, STR("kind")), STR("")), STR("Secret")))
                return false;
        return covers(doc_get(object, STR("data")), line) ||
               covers(doc_get(object, STR("stringData")), line);
}
