/* Certificates and the public halves of private keys, as OpenSSL reads them. */
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <time.h>

#include "credential/private.h"

enum { NAMES_MAX = 1000, NAME_BYTES = 4096 };

void wipe(struct str text) {
        if (text.len > 0)
                OPENSSL_cleanse((char *)text.ptr, text.len);
}

static struct str asn1_text(struct arena *arena, const ASN1_STRING *string) {
        unsigned char *utf8 = NULL;
        int len = ASN1_STRING_to_UTF8(&utf8, string);
        struct str text = STR("");

        if (len > 0)
                text = arena_str(arena,
                                 (struct str){ (const char *)utf8,
                                               len < NAME_BYTES ? (size_t)len : NAME_BYTES });
        OPENSSL_free(utf8);
        return text;
}

/* As RFC 4514 has it, the other way round: "CN=kubernetes-admin, O=system:masters". */
static struct str name_text(struct arena *arena, const X509_NAME *name) {
        BIO *bio = BIO_new(BIO_s_mem());
        char *data = NULL;
        struct str text = STR("");

        if (bio && X509_NAME_print_ex(bio, name, 0,
                                      (XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB &
                                       ~(unsigned long)XN_FLAG_SPC_EQ)) >= 0) {
                long len = BIO_get_mem_data(bio, &data);

                if (len > 0)
                        text = arena_str(
                                arena,
                                (struct str){ data, len < NAME_BYTES ? (size_t)len : NAME_BYTES });
        }
        BIO_free(bio);
        return text;
}

static void add_name(struct arena *arena, struct credential_names *names, struct str text) {
        if (names->count < NAMES_MAX)
                *vec_push_in(arena, names) = text;
}

static void add_subject(struct arena *arena, const X509 *x, struct credential *credential) {
        const X509_NAME *name = X509_get_subject_name(x);

        credential->subject = name_text(arena, name);
        credential->issuer = name_text(arena, X509_get_issuer_name(x));
        for (int i = 0; i < X509_NAME_entry_count(name) && i < NAMES_MAX; i++) {
                const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
                int kind = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
                struct str text = asn1_text(arena, X509_NAME_ENTRY_get_data(entry));

                if (kind == NID_commonName)
                        credential->common_name = text;
                else if (kind == NID_organizationName)
                        add_name(arena, &credential->organizations, text);
        }
}

static struct str address_text(struct arena *arena, const ASN1_OCTET_STRING *address) {
        const unsigned char *b = ASN1_STRING_get0_data(address);
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        if (ASN1_STRING_length(address) == 4)
                return arena_printf(arena, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
        if (ASN1_STRING_length(address) != 16)
                return STR("");
        for (int i = 0; i < 16; i += 2)
                buf_printf(&text, "%s%x", i ? ":" : "", (unsigned)b[i] << 8 | b[i + 1]);
        return arena_str(arena, buf_str(&text));
}

static void add_alternatives(struct arena *arena, const X509 *x, struct credential *credential) {
        GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

        for (int i = 0; names && i < sk_GENERAL_NAME_num(names) && i < NAMES_MAX; i++) {
                const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

                if (name->type == GEN_DNS)
                        add_name(arena, &credential->dns, asn1_text(arena, name->d.dNSName));
                else if (name->type == GEN_IPADD)
                        add_name(arena, &credential->ips, address_text(arena, name->d.iPAddress));
        }
        GENERAL_NAMES_free(names);
}

static void add_usages(struct arena *arena, const X509 *x, struct credential *credential) {
        EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);

        for (int i = 0; usages && i < sk_ASN1_OBJECT_num(usages) && i < NAMES_MAX; i++) {
                const char *name = OBJ_nid2sn(OBJ_obj2nid(sk_ASN1_OBJECT_value(usages, i)));

                add_name(arena, &credential->usages,
                         arena_str(arena, str_from(name ? name : "unknown")));
        }
        EXTENDED_KEY_USAGE_free(usages);
}

static struct str hex(struct arena *arena, const unsigned char *bytes, unsigned size) {
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        for (unsigned i = 0; i < size; i++)
                buf_printf(&text, "%02x", bytes[i]);
        return arena_str(arena, buf_str(&text));
}

static struct str public_digest(struct arena *arena, const EVP_PKEY *key) {
        unsigned char *der = NULL, hash[EVP_MAX_MD_SIZE];
        unsigned size = 0;
        int len = key ? i2d_PUBKEY(key, &der) : 0;

        if (len <= 0 || !EVP_Digest(der, (size_t)len, hash, &size, EVP_sha256(), NULL))
                size = 0;
        OPENSSL_free(der);
        return hex(arena, hash, size);
}

static const char *algorithm_name(const EVP_PKEY *key) {
        static const struct {
                int id;
                const char *name;
        } names[] = { { EVP_PKEY_RSA, "RSA" },         { EVP_PKEY_RSA_PSS, "RSA" },
                      { EVP_PKEY_EC, "EC" },           { EVP_PKEY_DSA, "DSA" },
                      { EVP_PKEY_ED25519, "Ed25519" }, { EVP_PKEY_ED448, "Ed448" } };

        for (size_t i = 0; key && i < ELEMENTS(names); i++)
                if (EVP_PKEY_get_base_id(key) == names[i].id)
                        return names[i].name;
        return "unknown";
}

static void add_key(struct arena *arena, X509 *x, struct credential *credential) {
        EVP_PKEY *key = X509_get0_pubkey(x);
        const char *name = OBJ_nid2ln(X509_get_signature_nid(x));

        credential->algorithm = str_from(algorithm_name(key));
        credential->bits = key ? EVP_PKEY_get_bits(key) : 0;
        credential->signature = arena_str(arena, str_from(name ? name : "unknown"));
        credential->key_digest = public_digest(arena, key);
}

static bool seconds_of(const ASN1_TIME *time, int64_t *ret) {
        struct tm tm;

        if (!ASN1_TIME_to_tm(time, &tm))
                return false;
        *ret = (int64_t)timegm(&tm);
        return true;
}

static void fill(struct arena *arena, X509 *x, struct credential *credential) {
        unsigned char hash[EVP_MAX_MD_SIZE];
        unsigned size = 0;

        credential->readable = true;
        add_subject(arena, x, credential);
        add_alternatives(arena, x, credential);
        add_usages(arena, x, credential);
        add_key(arena, x, credential);
        credential->has_start = seconds_of(X509_get0_notBefore(x), &credential->start);
        credential->has_end = seconds_of(X509_get0_notAfter(x), &credential->end);
        credential->authority = X509_check_ca(x) == 1;
        credential->self_signed =
                X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) == 0;
        if (!X509_digest(x, EVP_sha256(), hash, &size))
                size = 0;
        credential->fingerprint = hex(arena, hash, size);
        credential->x509 = x;
}

/* Each certificate is cut out first, so that a key in the same text is not decoded. */
size_t holder_add_certificates(const struct holder *holder, struct str text) {
        static const struct str begin = STR_INIT("-----BEGIN CERTIFICATE-----");
        static const struct str end = STR_INIT("-----END CERTIFICATE-----");
        size_t at = 0, count = 0;

        while (count < CREDENTIAL_PEM_MAX) {
                ptrdiff_t from = str_find(text, begin, at);
                ptrdiff_t to = from < 0 ? -1 : str_find(text, end, (size_t)from);
                struct credential *credential;
                BIO *bio;

                if (from < 0)
                        break;
                credential = holder_new(holder, CREDENTIAL_CERTIFICATE);
                if (!credential)
                        break;
                at = to < 0 ? text.len : (size_t)to + end.len;
                bio = BIO_new_mem_buf(text.ptr + from, (int)(at - (size_t)from));
                if (bio) {
                        X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);

                        if (x)
                                fill(&holder->credentials->arena, x, credential);
                }
                BIO_free(bio);
                /* The key of a Secret is that of the first; the others are authorities. */
                credential->has_key = holder->has_key && count == 0;
                count++;
        }
        ERR_clear_error();
        return count;
}

/* Keys with a passphrase stay closed; OpenSSL must not ask for it. */
static int no_passphrase(char *text, int size, int writing, void *userdata) {
        (void)text, (void)size, (void)writing, (void)userdata;
        return -1;
}

struct str private_key_digest(struct arena *arena, struct str pem) {
        BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
        EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
        struct str digest = public_digest(arena, key);

        EVP_PKEY_free(key);
        BIO_free(bio);
        ERR_clear_error();
        return digest;
}
