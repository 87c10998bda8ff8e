#include "node/signature.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/base64.h"
#include "base/fs.h"
#include "base/util.h"
#include "doc/doc.h"
#include "doc/write.h"

enum { KEY_MAX = 65536, SECRET_MIN = 16 };

struct key {
        struct buf text;
        EVP_PKEY *pair; /* NULL: TEXT is the key of an HMAC */
};

static void key_clear(struct key *key) {
        if (key->text.data)
                OPENSSL_cleanse(key->text.data, key->text.capacity);
        buf_free(&key->text);
        EVP_PKEY_free(key->pair);
}

/* Nothing asks for a passphrase. */
static int no_passphrase(char *buf, int size, int rw, void *data) {
        (void)buf, (void)size, (void)rw, (void)data;
        return -1;
}

static EVP_PKEY *parse_key(const struct buf *text, bool private) {
        BIO *bio = BIO_new_mem_buf(text->data, (int)text->len);
        EVP_PKEY *pair = NULL;
        X509 *x;

        if (!bio)
                return NULL;
        pair = private ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL)
                       : PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
        if (!pair && !private) {
                BIO_free(bio);
                bio = BIO_new_mem_buf(text->data, (int)text->len);
                x = bio ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;
                pair = x ? X509_get_pubkey(x) : NULL;
                X509_free(x);
        }
        BIO_free(bio);
        if (!pair && !private) /* the owner of the private key may check, too */
                pair = parse_key(text, true);
        ERR_clear_error();
        return pair;
}

static int key_read(const char *file, bool private, struct key *ret, struct error *error) {
        int r = fs_read(file, -1, KEY_MAX, false, &ret->text, error);

        if (r < 0)
                return r;
        if (str_find(buf_str(&ret->text), STR("-----BEGIN "), 0) >= 0) {
                ret->pair = parse_key(&ret->text, private);
                if (!ret->pair)
                        return error_set(error, -EINVAL, "%s holds no %s key that can be used",
                                         file, private ? "private" : "public");
        } else if (ret->text.len < SECRET_MIN) {
                return error_set(error, -EINVAL, "%s is too short for a key: %d bytes at least",
                                 file, SECRET_MIN);
        }
        return 0;
}

static const char *algorithm_of(const struct key *key) {
        switch (key->pair ? EVP_PKEY_get_base_id(key->pair) : 0) {
        case 0:
                return "hmac-sha256";
        case EVP_PKEY_ED25519:
                return "ed25519";
        case EVP_PKEY_EC:
                return "ecdsa-sha256";
        case EVP_PKEY_RSA:
                return "rsa-sha256";
        default:
                return NULL;
        }
}

static const EVP_MD *digest_of(const struct key *key) {
        return EVP_PKEY_get_base_id(key->pair) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
}

/* The facts without their signature. */
static void canonical(const struct doc_node *facts, struct buf *ret) {
        bool first = true;

        buf_add_char(ret, '{');
        for (uint32_t i = 0; i < facts->map.count; i++) {
                if (str_eq(facts->map.entries[i].key, STR("signature")))
                        continue;
                if (!first)
                        buf_add_char(ret, ',');
                first = false;
                buf_add_json(ret, facts->map.entries[i].key);
                buf_add_char(ret, ':');
                doc_write_json(ret, &facts->map.entries[i].value);
        }
        buf_add_char(ret, '}');
}

static int hmac_of(const struct key *key, struct str text, unsigned char *ret, unsigned *ret_size) {
        return HMAC(EVP_sha256(), key->text.data, (int)key->text.len,
                    (const unsigned char *)text.ptr, text.len, ret, ret_size)
                       ? 0
                       : -EIO;
}

static int sign_text(const struct key *key, struct str text, unsigned char *ret, size_t *size) {
        EVP_MD_CTX *context;
        unsigned length = 0;
        int ok;

        if (!key->pair) {
                int r = hmac_of(key, text, ret, &length);

                *size = length;
                return r;
        }
        context = EVP_MD_CTX_new();
        ok = context && EVP_DigestSignInit(context, NULL, digest_of(key), NULL, key->pair) > 0 &&
             EVP_DigestSign(context, ret, size, (const unsigned char *)text.ptr, text.len) > 0;
        EVP_MD_CTX_free(context);
        ERR_clear_error();
        return ok ? 0 : -EIO;
}

static struct str key_fingerprint(struct arena *arena, const struct key *key) {
        unsigned char *der = NULL, hash[EVP_MAX_MD_SIZE];
        struct buf text _cleanup_(buf_free) = BUF_INIT;
        unsigned size = 0;
        int length = key->pair ? i2d_PUBKEY(key->pair, &der) : 0;

        if (length <= 0)
                return STR("");
        buf_add(&text, STR("sha256:"));
        if (!EVP_Digest(der, (size_t)length, hash, &size, EVP_sha256(), NULL))
                size = 0;
        for (unsigned i = 0; i < size; i++)
                buf_printf(&text, "%02x", hash[i]);
        OPENSSL_free(der);
        return arena_str(arena, buf_str(&text));
}

static int parse(struct arena *arena, struct str text, const struct doc_node **ret,
                 struct error *error) {
        struct doc_source *source = arena_new(arena, struct doc_source);
        struct doc_reader reader;
        struct doc *doc;
        int r = doc_source_init(arena, STR("facts"), text, source, error);

        if (r < 0)
                return r;
        doc_reader_init(&reader, source, DOC_AUTO, &doc_default_limits);
        r = doc_read(&reader, arena, &doc, error);
        if (r < 0)
                return r;
        if (r == 0 || doc->root->kind != DOC_MAP)
                return error_set(error, -EINVAL, "these are no facts of a node");
        *ret = doc->root;
        return 0;
}

int node_sign(struct str text, const char *file, struct buf *ret, struct error *error) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct buf plain _cleanup_(buf_free) = BUF_INIT;
        struct key key _cleanup_(key_clear) = { 0 };
        unsigned char value[8192];
        size_t size = sizeof value;
        const struct doc_node *facts = NULL;
        int r = key_read(file, true, &key, error);

        if (r < 0)
                return r;
        if (!algorithm_of(&key))
                return error_set(error, -EINVAL, "%s: keys of this kind are not used here", file);
        r = parse(&arena, text, &facts, error);
        if (r < 0)
                return r;
        canonical(facts, &plain);
        r = sign_text(&key, buf_str(&plain), value, &size);
        if (r < 0)
                return error_set(error, r, "%s: cannot sign with this key", file);
        text = str_trim(text);
        if (!str_ends(text, STR("}")))
                return error_set(error, -EINVAL, "facts to be signed have to be JSON");
        buf_add(ret, str_trim(str_slice(text, 0, text.len - 1)));
        buf_printf(ret, ",\n  \"signature\": {\"algorithm\": \"%s\", \"key\": \"%.*s\", ",
                   algorithm_of(&key), STR_ARG(key_fingerprint(&arena, &key)));
        buf_printf(ret, "\"value\": \"%.*s\"}\n}\n",
                   STR_ARG(base64_encode(&arena, (struct str){ (char *)value, size })));
        return 0;
}

static bool is_right(const struct key *key, struct str text, struct str value) {
        EVP_MD_CTX *context;
        bool ok;

        if (!key->pair) {
                unsigned char mine[EVP_MAX_MD_SIZE];
                unsigned size = 0;

                return hmac_of(key, text, mine, &size) >= 0 && size == value.len &&
                       CRYPTO_memcmp(mine, value.ptr, size) == 0;
        }
        context = EVP_MD_CTX_new();
        ok = context && EVP_DigestVerifyInit(context, NULL, digest_of(key), NULL, key->pair) > 0 &&
             EVP_DigestVerify(context, (const unsigned char *)value.ptr, value.len,
                              (const unsigned char *)text.ptr, text.len) == 1;
        EVP_MD_CTX_free(context);
        ERR_clear_error();
        return ok;
}

int node_verify(const struct doc_node *facts, const char *file, struct error *error) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct buf plain _cleanup_(buf_free) = BUF_INIT;
        struct key key _cleanup_(key_clear) = { 0 };
        struct str algorithm = doc_string(doc_find(facts, "signature", "algorithm"), STR(""));
        struct str text = doc_string(doc_find(facts, "signature", "value"), STR("")), value;
        int r = key_read(file, false, &key, error);

        if (r < 0)
                return r;
        if (text.len == 0)
                return error_set(error, -EBADMSG, "the facts are not signed");
        /* the kind of key decides, never what the document claims */
        if (!algorithm_of(&key) || !str_eq(algorithm, str_from(algorithm_of(&key))))
                return error_set(error, -EBADMSG, "the facts were not signed with a key like %s",
                                 file);
        canonical(facts, &plain);
        if (base64_decode(&arena, text, &value) < 0 || !is_right(&key, buf_str(&plain), value))
                return error_set(error, -EBADMSG,
                                 "the signature is wrong: the facts were changed, or the key %s is "
                                 "not the one they were signed with",
                                 file);
        return 0;
}
