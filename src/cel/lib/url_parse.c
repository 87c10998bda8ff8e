#include "cel/lib/url_parse.h"

#include "base/ip.h"
#include "cel/lib/lib.h"

/* The part of a URL that a character stands in. */
enum mode { PATH, HOST, ZONE, USER, QUERY, FRAGMENT };

struct reader {
        struct arena *arena;
        struct str problem;
};

static int fail(struct reader *reader, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

static int fail(struct reader *reader, const char *format, ...) {
        va_list args;

        va_start(args, format);
        reader->problem = arena_vprintf(reader->arena, format, args);
        va_end(args);
        return -EINVAL;
}

/* --- escaping --- */

static bool contains(const char *set, char c) {
        return c != '\0' && strchr(set, c);
}

static bool must_escape(char c, enum mode mode) {
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            contains("-_.~", c))
                return false;
        switch (mode) {
        case PATH:
                return !contains("$&+,/:;=@", c);
        case HOST:
        case ZONE:
                return !contains("!$&'()*+,;=:[]<>\"", c);
        case USER:
                return !contains("$&+,;=", c);
        case QUERY:
                return true;
        case FRAGMENT:
                return !contains("$&+,/:;=?@!()*", c);
        }
        return true;
}

static int hex_value(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

/* The byte that "%AB" at I of S stands for, or -1. */
static int escape_value(struct str s, size_t i) {
        if (i + 2 >= s.len || hex_value(s.ptr[i + 1]) < 0 || hex_value(s.ptr[i + 2]) < 0)
                return -1;
        return hex_value(s.ptr[i + 1]) << 4 | hex_value(s.ptr[i + 2]);
}

static int check_escape(struct reader *reader, struct str s, size_t i, enum mode mode) {
        struct str escape = str_slice(s, i, i + 3), quoted;
        int value = escape_value(s, i);
        bool percent = str_eq(escape, STR("%25"));

        /* In a host, only bytes outside ASCII may be escaped, and the percent sign before a zone;
         * in a zone, what could be written plainly, and blanks. */
        if (value >= 0 && !(mode == HOST && value < 0x80 && !percent) &&
            !(mode == ZONE && !percent && value != ' ' && must_escape((char)value, HOST)))
                return 0;
        quoted = cel_quote(reader->arena, escape);
        return fail(reader, "invalid URL escape %.*s", STR_ARG(quoted));
}

static int unescape(struct reader *reader, struct str s, enum mode mode, struct str *ret) {
        struct str quoted;
        size_t len = 0;
        char *out;
        int r;

        for (size_t i = 0; i < s.len; i++) {
                char c = s.ptr[i];

                if (c == '%') {
                        r = check_escape(reader, s, i, mode);
                        if (r < 0)
                                return r;
                        i += 2;
                } else if ((mode == HOST || mode == ZONE) && (unsigned char)c < 0x80 &&
                           must_escape(c, mode)) {
                        quoted = cel_quote(reader->arena, str_slice(s, i, i + 1));
                        return fail(reader, "invalid character %.*s in host name", STR_ARG(quoted));
                }
        }
        out = arena_alloc(reader->arena, s.len + 1);
        for (size_t i = 0; i < s.len; i++) {
                if (s.ptr[i] == '%') {
                        out[len++] = (char)escape_value(s, i);
                        i += 2;
                } else
                        out[len++] = s.ptr[i] == '+' && mode == QUERY ? ' ' : s.ptr[i];
        }
        *ret = (struct str){ out, len };
        return 0;
}

int url_query_unescape(struct arena *arena, struct str text, struct str *ret) {
        struct reader reader = { .arena = arena };

        return unescape(&reader, text, QUERY, ret);
}

static struct str escape(struct arena *arena, struct str s, enum mode mode) {
        struct builder builder = { .arena = arena };

        for (size_t i = 0; i < s.len; i++) {
                unsigned char c = (unsigned char)s.ptr[i];

                if (!must_escape(s.ptr[i], mode)) {
                        builder_add_char(&builder, s.ptr[i]);
                        continue;
                }
                builder_add_char(&builder, '%');
                builder_add_char(&builder, "0123456789ABCDEF"[c >> 4]);
                builder_add_char(&builder, "0123456789ABCDEF"[c & 15]);
        }
        return builder_str(&builder);
}

/* Whether S, which decodes, can stand as it is. */
static bool is_encoded(struct str s, enum mode mode) {
        for (size_t i = 0; i < s.len; i++)
                if (!contains("!$&'()*+,;=:@[]%", s.ptr[i]) && must_escape(s.ptr[i], mode))
                        return false;
        return true;
}

/* --- the host --- */

static bool is_optional_port(struct str port) {
        if (port.len == 0)
                return true;
        for (size_t i = 1; i < port.len; i++)
                if (port.ptr[i] < '0' || port.ptr[i] > '9')
                        return false;
        return port.ptr[0] == ':';
}

static int bad_port(struct reader *reader, struct str port) {
        struct str quoted = cel_quote(reader->arena, port);

        return fail(reader, "invalid port %.*s after host", STR_ARG(quoted));
}

/* "[address]" or "[address]:port". */
static int parse_bracketed(struct reader *reader, struct str host, struct str *ret) {
        const char *close = memrchr(host.ptr, ']', host.len);
        struct str address, port, zone = { 0 }, decoded;
        struct ip_problem problem;
        struct ip ip;
        ptrdiff_t percent;
        int r;

        if (!close)
                return fail(reader, "missing ']' in host");
        address = str_slice(host, 1, (size_t)(close - host.ptr));
        port = str_slice(host, address.len + 2, host.len);
        if (!is_optional_port(port))
                return bad_port(reader, port);
        /* What follows an escaped percent sign is a zone, for which other rules hold. */
        percent = str_find(address, STR("%25"), 0);
        if (percent >= 0) {
                zone = str_slice(address, (size_t)percent, address.len);
                address = str_slice(address, 0, (size_t)percent);
        }
        r = unescape(reader, address, HOST, &address);
        if (r < 0)
                return r;
        r = unescape(reader, zone, ZONE, &zone);
        if (r < 0)
                return r;
        decoded = arena_printf(reader->arena, "%.*s%.*s", STR_ARG(address), STR_ARG(zone));
        if (ip_parse(decoded, &ip, NULL, &problem) < 0) {
                struct str quoted = cel_quote(reader->arena, decoded);
                struct str at = cel_quote(reader->arena, problem.at);

                return fail(reader, "invalid host: ParseAddr(%.*s): %s%s%.*s%s", STR_ARG(quoted),
                            problem.message, problem.at.len ? " (at " : "",
                            STR_ARG(problem.at.len ? at : problem.at), problem.at.len ? ")" : "");
        }
        if (!ip.v6)
                return fail(reader, "invalid IP-literal");
        *ret = arena_printf(reader->arena, "[%.*s]%.*s", STR_ARG(decoded), STR_ARG(port));
        return 0;
}

static int parse_host(struct reader *reader, struct str scheme, struct str host, struct str *ret) {
        const char *open = host.len > 0 ? memrchr(host.ptr, '[', host.len) : NULL;
        const char *colon = host.len > 0 ? memchr(host.ptr, ':', host.len) : NULL;

        if (open && open != host.ptr)
                return fail(reader, "invalid IP-literal");
        if (open)
                return parse_bracketed(reader, host, ret);
        if (colon) {
                struct str port;

                /* Databases list several hosts with ports; the web does not. */
                if (!str_eq(scheme, STR("http")) && !str_eq(scheme, STR("https")))
                        colon = memrchr(host.ptr, ':', host.len);
                port = str_slice(host, (size_t)(colon - host.ptr), host.len);
                if (!is_optional_port(port))
                        return bad_port(reader, port);
        }
        return unescape(reader, host, HOST, ret);
}

static bool is_user_text(struct str s) {
        for (size_t i = 0; i < s.len; i++)
                if (!contains(":!*'()%@", s.ptr[i]) && must_escape(s.ptr[i], USER))
                        return false;
        return true;
}

static int parse_authority(struct reader *reader, struct str authority, struct url *url) {
        const char *at = authority.len > 0 ? memrchr(authority.ptr, '@', authority.len) : NULL;
        struct str user = { 0 }, host = authority;
        const char *colon;
        int r;

        if (at) {
                user = str_slice(authority, 0, (size_t)(at - authority.ptr));
                host = str_slice(authority, user.len + 1, authority.len);
        }
        r = parse_host(reader, url->scheme, host, &url->host);
        if (r < 0 || !at)
                return r;
        if (!is_user_text(user))
                return fail(reader, "net/url: invalid userinfo");
        url->has_user = true;
        colon = user.len > 0 ? memchr(user.ptr, ':', user.len) : NULL;
        if (colon) {
                url->has_password = true;
                url->password = str_slice(user, (size_t)(colon - user.ptr) + 1, user.len);
                user = str_slice(user, 0, (size_t)(colon - user.ptr));
        }
        r = unescape(reader, user, USER, &url->user);
        if (r < 0 || !colon)
                return r;
        return unescape(reader, url->password, USER, &url->password);
}

void url_split_host(struct str host, struct str *ret_name, struct str *ret_port) {
        const char *colon = host.len > 0 ? memrchr(host.ptr, ':', host.len) : NULL;
        struct str port = STR("");

        if (colon) {
                struct str rest = str_slice(host, (size_t)(colon - host.ptr), host.len);

                if (is_optional_port(rest)) {
                        port = str_slice(rest, 1, rest.len);
                        host = str_slice(host, 0, host.len - rest.len);
                }
        }
        if (host.len > 1 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
                host = str_slice(host, 1, host.len - 1);
        *ret_name = host;
        *ret_port = port;
}

/* --- the whole --- */

/* Takes "scheme:" off *REST. A text that does not begin like one has none. */
static int parse_scheme(struct reader *reader, struct str *rest, struct str *ret) {
        size_t i = 0;
        char *lower;

        for (; i < rest->len && rest->ptr[i] != ':'; i++) {
                char c = rest->ptr[i];

                if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
                    (i == 0 || (!(c >= '0' && c <= '9') && !contains("+-.", c))))
                        return 0;
        }
        if (i == rest->len)
                return 0;
        if (i == 0)
                return fail(reader, "missing protocol scheme");
        lower = arena_alloc(reader->arena, i + 1);
        for (size_t j = 0; j < i; j++) {
                char c = rest->ptr[j];

                lower[j] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
        }
        *ret = (struct str){ lower, i };
        *rest = str_slice(*rest, i + 1, rest->len);
        return 0;
}

static void parse_query(struct str *rest, struct url *url) {
        const char *mark = rest->len > 0 ? memchr(rest->ptr, '?', rest->len) : NULL;
        struct str whole = *rest;

        if (!mark)
                return;
        *rest = str_slice(whole, 0, (size_t)(mark - whole.ptr));
        url->raw_query = str_slice(whole, rest->len + 1, whole.len);
        url->force_query = url->raw_query.len == 0;
}

/* Sets *RET to S decoded, and *RET_RAW to S where encoding again would give something else. */
static int set_part(struct reader *reader, struct str s, enum mode mode, struct str *ret,
                    struct str *ret_raw) {
        int r = unescape(reader, s, mode, ret);

        if (r < 0)
                return r;
        if (!str_eq(escape(reader->arena, *ret, mode), s))
                *ret_raw = s;
        return 0;
}

/* What precedes the first '/' of S. */
static struct str first_segment(struct str s) {
        ptrdiff_t slash = str_find(s, STR("/"), 0);

        return slash < 0 ? s : str_slice(s, 0, (size_t)slash);
}

static int parse_rest(struct reader *reader, struct str rest, bool request, struct url *url) {
        int r;

        parse_query(&rest, url);
        if (!str_starts(rest, STR("/"))) {
                if (url->scheme.len > 0) {
                        url->opaque = rest;
                        return 0;
                }
                if (request)
                        return fail(reader, "invalid URI for request");
                if (str_find(first_segment(rest), STR(":"), 0) >= 0)
                        return fail(reader, "first path segment in URL cannot contain colon");
        }
        if ((url->scheme.len > 0 || (!request && !str_starts(rest, STR("///")))) &&
            str_starts(rest, STR("//"))) {
                struct str authority = first_segment(str_slice(rest, 2, rest.len));

                rest = str_slice(rest, 2 + authority.len, rest.len);
                r = parse_authority(reader, authority, url);
                if (r < 0)
                        return r;
        } else if (url->scheme.len > 0)
                url->omit_host = true;
        return set_part(reader, rest, PATH, &url->path, &url->raw_path);
}

static int parse(struct reader *reader, struct str text, bool request, struct url *url) {
        int r;

        for (size_t i = 0; i < text.len; i++)
                if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
                        return fail(reader, "net/url: invalid control character in URL");
        if (text.len == 0 && request)
                return fail(reader, "empty url");
        if (str_eq(text, STR("*"))) {
                url->path = text;
                return 0;
        }
        r = parse_scheme(reader, &text, &url->scheme);
        if (r < 0)
                return r;
        return parse_rest(reader, text, request, url);
}

int url_parse(struct arena *arena, struct str text, bool fragment, struct url *ret,
              struct str *ret_problem) {
        const char *hash = fragment && text.len > 0 ? memchr(text.ptr, '#', text.len) : NULL;
        struct str main = hash ? str_slice(text, 0, (size_t)(hash - text.ptr)) : text, quoted;
        struct reader reader = { .arena = arena };
        struct url url = { 0 };
        int r;

        r = parse(&reader, main, !fragment, &url);
        if (r >= 0 && hash) {
                r = set_part(&reader, str_slice(text, main.len + 1, text.len), FRAGMENT,
                             &url.fragment, &url.raw_fragment);
                main = text;
        }
        if (r < 0) {
                if (ret_problem) {
                        quoted = cel_quote(arena, main);
                        *ret_problem = arena_printf(arena, "parse %.*s: %.*s", STR_ARG(quoted),
                                                    STR_ARG(reader.problem));
                }
                return r;
        }
        *ret = url;
        return 0;
}

/* --- writing --- */

struct str url_escaped_path(struct arena *arena, const struct url *url) {
        if (url->raw_path.len > 0 && is_encoded(url->raw_path, PATH))
                return url->raw_path;
        if (str_eq(url->path, STR("*")))
                return url->path;
        return escape(arena, url->path, PATH);
}

static struct str escaped_fragment(struct arena *arena, const struct url *url) {
        if (url->raw_fragment.len > 0 && is_encoded(url->raw_fragment, FRAGMENT))
                return url->raw_fragment;
        return escape(arena, url->fragment, FRAGMENT);
}

static void add_authority(struct builder *builder, const struct url *url) {
        if (url->scheme.len == 0 && url->host.len == 0 && !url->has_user)
                return;
        if (url->omit_host && url->host.len == 0 && !url->has_user)
                return;
        if (url->host.len > 0 || url->path.len > 0 || url->has_user)
                builder_add(builder, STR("//"));
        if (url->has_user) {
                builder_add(builder, escape(builder->arena, url->user, USER));
                if (url->has_password) {
                        builder_add_char(builder, ':');
                        builder_add(builder, escape(builder->arena, url->password, USER));
                }
                builder_add_char(builder, '@');
        }
        builder_add(builder, escape(builder->arena, url->host, HOST));
}

struct str url_text(struct arena *arena, const struct url *url) {
        struct builder builder = { .arena = arena };
        struct str path;

        if (url->scheme.len > 0) {
                builder_add(&builder, url->scheme);
                builder_add_char(&builder, ':');
        }
        if (url->opaque.len > 0)
                builder_add(&builder, url->opaque);
        else {
                add_authority(&builder, url);
                path = url_escaped_path(arena, url);
                if (path.len > 0 && path.ptr[0] != '/' && url->host.len > 0)
                        builder_add_char(&builder, '/');
                if (builder.len == 0 && str_find(first_segment(path), STR(":"), 0) >= 0)
                        builder_add(&builder, STR("./"));
                builder_add(&builder, path);
        }
        if (url->force_query || url->raw_query.len > 0) {
                builder_add_char(&builder, '?');
                builder_add(&builder, url->raw_query);
        }
        if (url->fragment.len > 0) {
                builder_add_char(&builder, '#');
                builder_add(&builder, escaped_fragment(arena, url));
        }
        return builder_str(&builder);
}
