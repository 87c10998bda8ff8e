/*
 * Tokens (RFC 7519): what the payload says of itself. The signature is not looked at: whether it is
 * right only the issuer knows.
 */
#include "base/base64.h"
#include "credential/private.h"

enum { TOKEN_MAX = 64 << 10, TOKEN_NODES = 10000, TOKEN_DEPTH = 16, AUDIENCES_MAX = 100 };

/* base64url has two letters of its own. */
static int decode_part(struct arena *arena, struct str part, struct str *ret) {
        char *copy = arena_copy(arena, part.ptr, part.len);

        for (size_t i = 0; i < part.len; i++) {
                if (copy[i] == '-')
                        copy[i] = '+';
                else if (copy[i] == '_')
                        copy[i] = '/';
                else if (copy[i] == '+' || copy[i] == '/' || copy[i] == '=' || copy[i] == '\n')
                        return -EINVAL;
        }
        return base64_decode(arena, (struct str){ copy, part.len }, ret);
}

static const struct doc_node *parse(struct arena *arena, struct str text) {
        const struct doc_limits limits = { .file_bytes = TOKEN_MAX,
                                           .depth = TOKEN_DEPTH,
                                           .nodes = TOKEN_NODES,
                                           .alias_nodes = 1,
                                           .scalar_bytes = TOKEN_MAX };
        struct doc_source source = { .name = STR("token"), .text = text };
        struct doc_reader reader;
        struct error error;
        struct doc *doc;

        doc_reader_init(&reader, &source, DOC_JSON, &limits);
        if (doc_read(&reader, arena, &doc, &error) <= 0 || doc->root->kind != DOC_MAP)
                return NULL;
        return doc->root;
}

/* A NumericDate may have a fraction. */
static bool seconds_of(const struct doc_node *node, int64_t *ret) {
        if (node && node->kind == DOC_INT && node->integer >= 0 && node->integer < 253402300800) {
                *ret = node->integer;
                return true;
        }
        if (node && node->kind == DOC_DOUBLE && node->number >= 0 &&
            node->number < 253402300800.0) {
                *ret = (int64_t)node->number;
                return true;
        }
        return false;
}

static void fill(struct arena *arena, const struct doc_node *payload,
                 struct credential *credential) {
        const struct doc_node *audience = doc_get(payload, STR("aud"));

        credential->readable = true;
        credential->subject = arena_str(arena, doc_string(doc_get(payload, STR("sub")), STR("")));
        credential->issuer = arena_str(arena, doc_string(doc_get(payload, STR("iss")), STR("")));
        credential->has_end = seconds_of(doc_get(payload, STR("exp")), &credential->end);
        credential->has_start = seconds_of(doc_get(payload, STR("nbf")), &credential->start) ||
                                seconds_of(doc_get(payload, STR("iat")), &credential->start);
        if (audience && audience->kind == DOC_STRING)
                *vec_push_in(arena, &credential->audiences) = arena_str(arena, audience->string);
        for (uint32_t i = 0; audience && audience->kind == DOC_LIST && i < audience->list.count &&
                             i < AUDIENCES_MAX;
             i++)
                *vec_push_in(arena, &credential->audiences) =
                        arena_str(arena, doc_string(&audience->list.items[i], STR("")));
}

bool holder_add_token(const struct holder *holder, struct str text) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct str rest = str_trim(text), head, body, decoded;
        const struct doc_node *header, *payload;
        struct credential *credential;

        if (rest.len > TOKEN_MAX || !str_starts(rest, STR("eyJ")) ||
            !str_split(&rest, '.', &head) || !rest.ptr || !str_split(&rest, '.', &body) ||
            !rest.ptr || str_find(rest, STR("."), 0) >= 0)
                return false;
        if (decode_part(&arena, head, &decoded) < 0)
                return false;
        header = parse(&arena, decoded);
        if (!doc_get(header, STR("alg")) || decode_part(&arena, body, &decoded) < 0)
                return false;
        payload = parse(&arena, decoded);
        if (!payload)
                return false;
        credential = holder_new(holder, CREDENTIAL_TOKEN);
        if (credential)
                fill(&holder->credentials->arena, payload, credential);
        return true;
}
