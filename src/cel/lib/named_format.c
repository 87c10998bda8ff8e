/*
 * Named formats: format.dns1123Label().validate(x) and the like (apiserver
 * pkg/cel/library/format.go, apimachinery pkg/api/validate/content, kube-openapi
 * pkg/validation/strfmt).
 *
 * The patterns are simple enough to be checked by hand; their text is kept for the messages.
 */
#include "base/utf8.h"
#include "base/vec.h"
#include "cel/lib/lib.h"
#include "cel/lib/url_parse.h"

static const struct cel_type format_type = { .kind = CEL_TYPE_OPAQUE,
                                             .name = STR_INIT("kubernetes.NamedFormat") };

/* What is wrong with a text. */
struct complaints {
        struct arena *arena;
        VEC(struct str) texts;
};

typedef void format_check(struct complaints *complaints, struct str text);

struct format {
        struct str name;  /* as functions have it */
        struct str title; /* what formats are compared by */
        format_check *validate;
        uint64_t pattern_size; /* of the pattern that upstream takes for its cost */
};

static void complain(struct complaints *complaints, struct str text) {
        *vec_push_in(complaints->arena, &complaints->texts) = text;
}

/* Bytes are counted, whatever UNIT upstream calls them. */
static void complain_length(struct complaints *complaints, const char *prefix, size_t most,
                            const char *unit) {
        complain(complaints, arena_printf(complaints->arena, "%smust be no more than %zu %s",
                                          prefix, most, unit));
}

/* --- characters --- */

static bool is_lower(char c) {
        return c >= 'a' && c <= 'z';
}

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static bool is_alphanumeric(char c) {
        return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z');
}

/* --- DNS names --- */

enum { LABEL_MAX = 63, SUBDOMAIN_MAX = 253 };

#define LABEL_PATTERN "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
#define SUBDOMAIN_PATTERN LABEL_PATTERN "(\\." LABEL_PATTERN ")*"
#define NAME_PATTERN "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"

#define SUBDOMAIN_COMPLAINT                                                                        \
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' "  \
        "or '.', and must start and end with an alphanumeric character (e.g. 'example.com', "      \
        "regex used for validation is '" SUBDOMAIN_PATTERN "')"
#define NAME_COMPLAINT                                                                             \
        "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with "   \
        "an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "  \
        "validation is '" NAME_PATTERN "')"

static bool is_label(struct str s) {
        if (s.len == 0 || s.ptr[0] == '-' || s.ptr[s.len - 1] == '-')
                return false;
        for (size_t i = 0; i < s.len; i++)
                if (!is_lower(s.ptr[i]) && !is_digit(s.ptr[i]) && s.ptr[i] != '-')
                        return false;
        return true;
}

static bool is_subdomain(struct str s) {
        struct str label;

        if (s.len == 0)
                return false;
        while (str_split(&s, '.', &label))
                if (!is_label(label))
                        return false;
        return true;
}

static void check_label(struct complaints *complaints, struct str text) {
        if (text.len > LABEL_MAX)
                complain_length(complaints, "", LABEL_MAX, "characters");
        if (is_label(text))
                return;
        if (is_subdomain(text))
                complain(complaints, STR("must not contain dots"));
        else
                complain(complaints,
                         STR("a lowercase RFC 1123 label must consist of lower case alphanumeric "
                             "characters or '-', and must start and end with an alphanumeric "
                             "character (e.g. 'my-name',  or '123-abc', regex used for validation "
                             "is '" LABEL_PATTERN "')"));
}

static void check_subdomain(struct complaints *complaints, struct str text) {
        if (text.len > SUBDOMAIN_MAX)
                complain_length(complaints, "", SUBDOMAIN_MAX, "characters");
        if (!is_subdomain(text))
                complain(complaints, STR(SUBDOMAIN_COMPLAINT));
}

static void check_1035_label(struct complaints *complaints, struct str text) {
        if (text.len > LABEL_MAX)
                complain_length(complaints, "", LABEL_MAX, "characters");
        if (!is_label(text) || !is_lower(text.ptr[0]))
                complain(complaints,
                         STR("a DNS-1035 label must consist of lower case alphanumeric characters "
                             "or '-', start with an alphabetic character, and end with an "
                             "alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used "
                             "for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"));
}

/* A prefix of a name may end with a dash. Upstream replaces the last *two* characters with an 'a'.
 */
static struct str mask_dash(struct arena *arena, struct str text) {
        if (text.len < 2 || !str_ends(text, STR("-")))
                return text;
        return arena_printf(arena, "%.*sa", STR_ARG(str_slice(text, 0, text.len - 2)));
}

static void check_label_prefix(struct complaints *complaints, struct str text) {
        check_label(complaints, mask_dash(complaints->arena, text));
}

static void check_subdomain_prefix(struct complaints *complaints, struct str text) {
        check_subdomain(complaints, mask_dash(complaints->arena, text));
}

static void check_1035_label_prefix(struct complaints *complaints, struct str text) {
        check_1035_label(complaints, mask_dash(complaints->arena, text));
}

/* --- labels of objects --- */

static bool is_name(struct str s) {
        if (s.len == 0 || !is_alphanumeric(s.ptr[0]) || !is_alphanumeric(s.ptr[s.len - 1]))
                return false;
        for (size_t i = 0; i < s.len; i++)
                if (!is_alphanumeric(s.ptr[i]) && !memchr("-_.", s.ptr[i], 3))
                        return false;
        return true;
}

static void check_qualified_name(struct complaints *complaints, struct str text) {
        ptrdiff_t slash = str_find(text, STR("/"), 0);
        struct str name = text;

        if (slash >= 0) {
                struct str prefix = str_slice(text, 0, (size_t)slash);

                name = str_slice(text, (size_t)slash + 1, text.len);
                if (str_find(name, STR("/"), 0) >= 0) {
                        complain(complaints, STR("a valid label key " NAME_COMPLAINT
                                                 " with an optional DNS subdomain prefix and '/' "
                                                 "(e.g. 'example.com/MyName')"));
                        return;
                }
                if (prefix.len == 0)
                        complain(complaints, STR("prefix part must be non-empty"));
                if (prefix.len > SUBDOMAIN_MAX)
                        complain_length(complaints, "prefix part ", SUBDOMAIN_MAX, "bytes");
                if (prefix.len > 0 && !is_subdomain(prefix))
                        complain(complaints, STR("prefix part " SUBDOMAIN_COMPLAINT));
        }
        if (name.len == 0)
                complain(complaints, STR("name part must be non-empty"));
        else if (name.len > LABEL_MAX)
                complain_length(complaints, "name part ", LABEL_MAX, "bytes");
        if (!is_name(name))
                complain(complaints, STR("name part " NAME_COMPLAINT));
}

static void check_label_value(struct complaints *complaints, struct str text) {
        if (text.len > LABEL_MAX)
                complain_length(complaints, "", LABEL_MAX, "bytes");
        if (text.len > 0 && !is_name(text))
                complain(complaints,
                         STR("a valid label must be an empty string or consist of alphanumeric "
                             "characters, '-', '_' or '.', and must start and end with an "
                             "alphanumeric character (e.g. 'MyValue',  or 'my_value',  or "
                             "'12345', regex used for validation is '(" NAME_PATTERN ")?')"));
}

/* --- formats of OpenAPI --- */

static void check_uri(struct complaints *complaints, struct str text) {
        struct str problem = { 0 };
        struct url url;

        if (url_parse(complaints->arena, text, false, &url, &problem) < 0)
                complain(complaints, problem);
}

/* Takes COUNT hexadecimal digits off *TEXT. */
static bool take_hex(struct str *text, size_t count) {
        if (text->len < count)
                return false;
        for (size_t i = 0; i < count; i++) {
                char c = text->ptr[i];

                if (!is_digit(c) && !(c >= 'a' && c <= 'f') && !(c >= 'A' && c <= 'F'))
                        return false;
        }
        *text = str_slice(*text, count, text->len);
        return true;
}

/* The dashes are optional. */
static void check_uuid(struct complaints *complaints, struct str text) {
        static const size_t groups[] = { 8, 4, 4, 4, 12 };
        bool valid = true;

        for (size_t i = 0; i < ELEMENTS(groups) && valid; i++) {
                if (i > 0 && str_starts(text, STR("-")))
                        text = str_slice(text, 1, text.len);
                valid = take_hex(&text, groups[i]);
        }
        if (!valid || text.len > 0)
                complain(complaints, STR("does not match the UUID format"));
}

/* Standard base64 with padding; nothing is not enough. */
static void check_byte(struct complaints *complaints, struct str text) {
        bool valid = text.len > 0 && text.len % 4 == 0;
        size_t len = text.len;

        for (size_t i = 0; i < 2 && len > 0 && text.ptr[len - 1] == '='; i++)
                len--;
        for (size_t i = 0; i < len && valid; i++)
                valid = is_alphanumeric(text.ptr[i]) || text.ptr[i] == '+' || text.ptr[i] == '/';
        if (!valid)
                complain(complaints, STR("invalid base64"));
}

/* Two digits at TEXT, or -1. */
static int two_digits(struct str text, size_t at) {
        if (at + 2 > text.len || !is_digit(text.ptr[at]) || !is_digit(text.ptr[at + 1]))
                return -1;
        return (text.ptr[at] - '0') * 10 + text.ptr[at + 1] - '0';
}

static bool is_date(struct str text) {
        static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        int century = two_digits(text, 0), year = two_digits(text, 2);
        int month = two_digits(text, 5), day = two_digits(text, 8), most;

        if (text.len != 10 || century < 0 || year < 0 || text.ptr[4] != '-' || text.ptr[7] != '-' ||
            month < 1 || month > 12 || day < 1)
                return false;
        most = days[month - 1];
        if (month == 2 && (year == 0 ? century : year) % 4 == 0)
                most++;
        return day <= most;
}

static void check_date(struct complaints *complaints, struct str text) {
        if (!is_date(text))
                complain(complaints, STR("invalid date"));
}

/* "z" or an offset, whose range is not looked at. */
static bool is_zone(struct str text) {
        if (str_eq(text, STR("z")) || str_eq(text, STR("Z")))
                return true;
        return text.len == 6 && (text.ptr[0] == '+' || text.ptr[0] == '-') &&
               two_digits(text, 1) >= 0 && text.ptr[3] == ':' && two_digits(text, 4) >= 0;
}

/* hh:mm:ss, perhaps a fraction (behind any one character), and a zone. There is no leap second. */
static bool is_time(struct str text) {
        int hour = two_digits(text, 0), minute = two_digits(text, 3), second = two_digits(text, 6);
        struct str rest;
        size_t at = 0;

        if (hour < 0 || minute < 0 || second < 0 || text.ptr[2] != ':' || text.ptr[5] != ':' ||
            hour > 23 || minute > 59 || second > 59)
                return false;
        rest = str_slice(text, 8, text.len);
        if (is_zone(rest))
                return true;
        if (rest.len == 0 || rest.ptr[0] == '\n')
                return false;
        utf8_next(rest, &at);
        if (at >= rest.len || !is_digit(rest.ptr[at]))
                return false;
        while (at < rest.len && is_digit(rest.ptr[at]))
                at++;
        return is_zone(str_slice(rest, at, rest.len));
}

/* The part up to the second 't' is the date and time; what follows is not looked at. */
static void check_datetime(struct complaints *complaints, struct str text) {
        struct str date, time = { 0 };
        size_t first = 0, second;

        while (first < text.len && (text.ptr[first] | 0x20) != 't')
                first++;
        date = str_slice(text, 0, first);
        if (first < text.len) {
                second = first + 1;
                while (second < text.len && (text.ptr[second] | 0x20) != 't')
                        second++;
                time = str_slice(text, first + 1, second);
        }
        if (!is_date(date) || !is_time(time))
                complain(complaints, STR("invalid datetime"));
}

static const struct format formats[] = {
        { STR_INIT("dns1123Label"), STR_INIT("DNS1123Label"), check_label, 30 },
        { STR_INIT("dns1123Subdomain"), STR_INIT("DNS1123Subdomain"), check_subdomain, 60 },
        { STR_INIT("dns1035Label"), STR_INIT("DNS1035Label"), check_1035_label, 30 },
        { STR_INIT("qualifiedName"), STR_INIT("QualifiedName"), check_qualified_name, 60 },
        { STR_INIT("dns1123LabelPrefix"), STR_INIT("DNS1123LabelPrefix"), check_label_prefix, 30 },
        { STR_INIT("dns1123SubdomainPrefix"), STR_INIT("DNS1123SubdomainPrefix"),
          check_subdomain_prefix, 60 },
        { STR_INIT("dns1035LabelPrefix"), STR_INIT("DNS1035LabelPrefix"), check_1035_label_prefix,
          30 },
        { STR_INIT("labelValue"), STR_INIT("LabelValue"), check_label_value, 40 },
        { STR_INIT("uri"), STR_INIT("URI"), check_uri, 1103 },
        { STR_INIT("uuid"), STR_INIT("uuid"), check_uuid, 70 },
        { STR_INIT("byte"), STR_INIT("byte"), check_byte, 84 },
        { STR_INIT("date"), STR_INIT("date"), check_date, 71 },
        { STR_INIT("datetime"), STR_INIT("datetime"), check_datetime, 71 },
};

/* --- functions --- */

static bool format_equal(const void *a, const void *b) {
        return str_eq(((const struct format *)a)->title, ((const struct format *)b)->title);
}

static uint64_t format_pattern_size(const void *format) {
        return ((const struct format *)format)->pattern_size;
}

static const struct cel_opaque_type format_opaque = { .name = STR_INIT("kubernetes.NamedFormat"),
                                                      .convertible = true,
                                                      .type = &format_type,
                                                      .equal = format_equal,
                                                      .pattern_size = format_pattern_size };

static struct cel_value named(struct cel_context *context, const struct cel_value *args,
                              _unused_ size_t count) {
        for (size_t i = 0; i < ELEMENTS(formats); i++)
                if (str_eq(formats[i].name, args[0].string))
                        return cel_optional_of(context->scratch,
                                               cel_opaque(&format_opaque, &formats[i]));
        return (struct cel_value){ .kind = CEL_OPTIONAL };
}

static struct cel_value validate(struct cel_context *context, const struct cel_value *args,
                                 _unused_ size_t count) {
        const struct format *format = args[0].opaque;
        struct complaints complaints = { .arena = context->scratch };

        if (!cel_charge_bytes(context, args[1].string.len))
                return cel_give_up(context);
        format->validate(&complaints, args[1].string.ptr ? args[1].string : STR(""));
        if (complaints.texts.count == 0)
                return (struct cel_value){ .kind = CEL_OPTIONAL };
        return cel_optional_of(
                context->scratch,
                cel_string_list(context->scratch, complaints.texts.items, complaints.texts.count));
}

/* One function for each format, in the order of the table above. */
#define FORMAT(name, index)                                                                        \
        static struct cel_value format_##name(_unused_ struct cel_context *context,                \
                                              _unused_ const struct cel_value *args,               \
                                              _unused_ size_t count) {                             \
                return cel_opaque(&format_opaque, &formats[index]);                                \
        }
FORMAT(dns1123Label, 0)
FORMAT(dns1123Subdomain, 1)
FORMAT(dns1035Label, 2)
FORMAT(qualifiedName, 3)
FORMAT(dns1123LabelPrefix, 4)
FORMAT(dns1123SubdomainPrefix, 5)
FORMAT(dns1035LabelPrefix, 6)
FORMAT(labelValue, 7)
FORMAT(uri, 8)
FORMAT(uuid, 9)
FORMAT(byte, 10)
FORMAT(date, 11)
FORMAT(datetime, 12)

#define FORMAT_ROW(name)                                                                           \
        {                                                                                          \
                .signature = "format." #name "() kubernetes.NamedFormat", .call = format_##name,   \
                .since = 31                                                                        \
        }

static const struct cel_function_row rows[] = {
        { .signature = "format.named(string) optional(kubernetes.NamedFormat)",
          .call = named,
          .since = 31 },
        { .signature = "kubernetes.NamedFormat.validate(string) optional(list(string))",
          .call = validate,
          .since = 31 },
        FORMAT_ROW(dns1123Label),
        FORMAT_ROW(dns1123Subdomain),
        FORMAT_ROW(dns1035Label),
        FORMAT_ROW(qualifiedName),
        FORMAT_ROW(dns1123LabelPrefix),
        FORMAT_ROW(dns1123SubdomainPrefix),
        FORMAT_ROW(dns1035LabelPrefix),
        FORMAT_ROW(labelValue),
        FORMAT_ROW(uri),
        FORMAT_ROW(uuid),
        FORMAT_ROW(byte),
        FORMAT_ROW(date),
        FORMAT_ROW(datetime),
};

CEL_LIBRARY(cel_library_format, "format", rows);
