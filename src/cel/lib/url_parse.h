/*
 * URLs as Go's net/url reads them, which is RFC 3986 with exceptions: only absolute URLs and
 * absolute paths where Kubernetes asks for a URL, hosts in brackets have to be IPv6 addresses,
 * percent signs in hosts only for bytes outside ASCII. Behaviour is that of Go 1.26, with which
 * Kubernetes 1.36 is built. Private to src/cel/lib.
 */
#pragma once

#include "base/arena.h"
#include "base/str.h"

/* Parts are decoded where the name does not say otherwise; they may then hold any byte. */
struct url {
        struct str scheme; /* lower case */
        struct str opaque; /* of "mailto:x": encoded, and there is no path */
        bool has_user, has_password;
        struct str user, password;
        struct str host; /* with port and brackets */
        struct str path, raw_path;
        struct str raw_query;
        struct str fragment, raw_fragment;
        bool force_query; /* ends with a '?' */
        bool omit_host;   /* "file:/path" */
};

/* Reads TEXT the way net/url.ParseRequestURI (a '#' is an ordinary character) or, with FRAGMENT,
 * net/url.Parse do. Returns 0, or -EINVAL with Go's message in *RET_PROBLEM (may be NULL), made in
 * ARENA. */
int url_parse(struct arena *arena, struct str text, bool fragment, struct url *ret,
              struct str *ret_problem);

/* URL.String: what it is compared by. */
struct str url_text(struct arena *arena, const struct url *url);

struct str url_escaped_path(struct arena *arena, const struct url *url);

/* Cuts HOST into name and port. */
void url_split_host(struct str host, struct str *ret_name, struct str *ret_port);

/* Decodes a key or value of a query, where '+' is a blank. Returns 0 or -EINVAL. */
int url_query_unescape(struct arena *arena, struct str text, struct str *ret);
