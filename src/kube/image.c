#include "kube/image.h"

enum { NAME_MAX_LENGTH = 255, TAG_MAX_LENGTH = 128, ID_LENGTH = 64, DIGEST_MIN_LENGTH = 32 };

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static bool is_lower(char c) {
        return c >= 'a' && c <= 'z';
}

static bool is_alphanumeric(char c) {
        return is_digit(c) || is_lower(c) || (c >= 'A' && c <= 'Z');
}

static bool is_hexadecimal(struct str s) {
        for (size_t i = 0; i < s.len; i++)
                if (!is_digit(s.ptr[i]) && (s.ptr[i] < 'a' || s.ptr[i] > 'f') &&
                    (s.ptr[i] < 'A' || s.ptr[i] > 'F'))
                        return false;
        return true;
}

/* Lower-case letters and digits, in parts joined by one dot, one or two underscores, or hyphens. */
static bool is_path_component(struct str s) {
        size_t i = 0;

        while (i < s.len) {
                size_t start = i;

                while (i < s.len && (is_digit(s.ptr[i]) || is_lower(s.ptr[i])))
                        i++;
                if (i == start)
                        return false;
                if (i == s.len)
                        return true;
                start = i;
                if (s.ptr[i] == '-') {
                        while (i < s.len && s.ptr[i] == '-')
                                i++;
                } else if (s.ptr[i] == '.')
                        i++;
                else if (s.ptr[i] == '_') {
                        i++;
                        i += i < s.len && s.ptr[i] == '_';
                } else
                        return false;
        }
        return false;
}

static bool is_path(struct str path) {
        struct str component;

        while (str_split(&path, '/', &component))
                if (!is_path_component(component))
                        return false;
        return true;
}

static bool is_host(struct str host) {
        struct str label;

        if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']') {
                for (size_t i = 1; i < host.len - 1; i++)
                        if (host.ptr[i] != ':' && !is_hexadecimal(str_slice(host, i, i + 1)))
                                return false;
                return true;
        }
        if (host.len == 0)
                return false;
        while (str_split(&host, '.', &label)) {
                if (label.len == 0 || label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
                        return false;
                for (size_t i = 0; i < label.len; i++)
                        if (!is_alphanumeric(label.ptr[i]) && label.ptr[i] != '-')
                                return false;
        }
        return true;
}

/* A host with or without a port. */
static bool is_domain(struct str domain) {
        size_t end = domain.len;

        while (end > 0 && is_digit(domain.ptr[end - 1]))
                end--;
        if (end > 0 && end < domain.len && domain.ptr[end - 1] == ':')
                return is_host(str_slice(domain, 0, end - 1));
        return is_host(domain);
}

/* The first component is a registry when it could not be part of a name on Docker Hub. */
static bool is_registry(struct str component) {
        for (size_t i = 0; i < component.len; i++)
                if (component.ptr[i] == '.' || component.ptr[i] == ':' ||
                    (component.ptr[i] >= 'A' && component.ptr[i] <= 'Z'))
                        return true;
        return str_eq(component, STR("localhost"));
}

static bool is_name(struct str name) {
        ptrdiff_t slash = str_find(name, STR("/"), 0);
        struct str first = str_slice(name, 0, slash < 0 ? 0 : (size_t)slash);

        if (name.len == 0 || name.len > NAME_MAX_LENGTH)
                return false;
        if (slash < 0)
                return !(name.len == ID_LENGTH && is_hexadecimal(name)) && is_path(name);
        if (is_registry(first))
                return is_domain(first) && is_path(str_slice(name, first.len + 1, name.len));
        return is_path(name);
}

static bool is_tag(struct str tag) {
        if (tag.len == 0 || tag.len > TAG_MAX_LENGTH || tag.ptr[0] == '.' || tag.ptr[0] == '-')
                return false;
        for (size_t i = 0; i < tag.len; i++)
                if (!is_alphanumeric(tag.ptr[i]) && !strchr("_.-", tag.ptr[i]))
                        return false;
        return true;
}

static bool is_digest(struct str digest) {
        ptrdiff_t colon = str_find(digest, STR(":"), 0);
        struct str hash;

        if (colon <= 0)
                return false;
        hash = str_slice(digest, (size_t)colon + 1, digest.len);
        return hash.len >= DIGEST_MIN_LENGTH && is_hexadecimal(hash);
}

bool image_is_latest(struct str reference) {
        ptrdiff_t at = str_find(reference, STR("@"), 0);
        struct str name = at < 0 ? reference : str_slice(reference, 0, (size_t)at), tag = { 0 };
        size_t end = name.len;

        if (at >= 0 && !is_digest(str_slice(reference, (size_t)at + 1, reference.len)))
                return false;
        while (end > 0 && name.ptr[end - 1] != ':' && name.ptr[end - 1] != '/')
                end--;
        if (end > 0 && name.ptr[end - 1] == ':') {
                tag = str_slice(name, end, name.len);
                name = str_slice(name, 0, end - 1);
                if (!is_tag(tag))
                        return false;
        }
        return is_name(name) && (tag.ptr ? str_eq(tag, STR("latest")) : at < 0);
}
