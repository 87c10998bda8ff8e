/*
 * Certificates: what their files say. Private keys are recognised, never read.
 */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <time.h>

#include "node/private.h"

enum { NAMES_MAX = 200, FILE_MAX = 2 << 20 };

static struct str asn1_text(struct node *node, const ASN1_STRING *string) {
        return arena_str(node->arena, (struct str){ (const char *)ASN1_STRING_get0_data(string),
                                                    (size_t)ASN1_STRING_length(string) });
}

static struct fact *name_fact(struct node *node, const X509_NAME *name) {
        struct arena *arena = node->arena;
        struct fact *fact = fact_map(arena), *list;
        struct str common = STR("");
        int count = X509_NAME_entry_count(name);

        fact_set_string(arena, fact, "commonName", common);
        list = fact_set(arena, fact, STR("organizations"), fact_list(arena));
        for (int i = 0; i < count && i < NAMES_MAX; i++) {
                const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
                int kind = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
                struct str text = asn1_text(node, X509_NAME_ENTRY_get_data(entry));

                if (kind == NID_commonName)
                        fact_set_string(arena, fact, "commonName", text);
                else if (kind == NID_organizationName)
                        fact_add_string(arena, list, text);
        }
        return fact;
}

static struct str address_text(struct node *node, const ASN1_OCTET_STRING *address) {
        const unsigned char *b = ASN1_STRING_get0_data(address);
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        if (ASN1_STRING_length(address) == 4)
                return arena_printf(node->arena, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
        if (ASN1_STRING_length(address) != 16)
                return STR("");
        for (int i = 0; i < 16; i += 2)
                buf_printf(&text, "%s%x", i ? ":" : "", (unsigned)b[i] << 8 | b[i + 1]);
        return arena_str(node->arena, buf_str(&text));
}

static void add_alternatives(struct node *node, const X509 *x, struct fact *fact) {
        struct arena *arena = node->arena;
        struct fact *dns = fact_set(arena, fact, STR("dns"), fact_list(arena));
        struct fact *ips = fact_set(arena, fact, STR("ips"), fact_list(arena));
        GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

        for (int i = 0; names && i < sk_GENERAL_NAME_num(names) && i < NAMES_MAX; i++) {
                const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

                if (name->type == GEN_DNS)
                        fact_add_string(arena, dns, asn1_text(node, name->d.dNSName));
                else if (name->type == GEN_IPADD)
                        fact_add_string(arena, ips, address_text(node, name->d.iPAddress));
        }
        GENERAL_NAMES_free(names);
}

static void add_usages(struct node *node, const X509 *x, struct fact *fact) {
        struct fact *list = fact_set(node->arena, fact, STR("usages"), fact_list(node->arena));
        EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);

        for (int i = 0; usages && i < sk_ASN1_OBJECT_num(usages) && i < NAMES_MAX; i++) {
                const char *name = OBJ_nid2sn(OBJ_obj2nid(sk_ASN1_OBJECT_value(usages, i)));

                fact_add(node->arena, list, fact_text(node->arena, name ? name : ""));
        }
        EXTENDED_KEY_USAGE_free(usages);
}

static void add_key(struct node *node, X509 *x, struct fact *fact) {
        EVP_PKEY *key = X509_get0_pubkey(x);
        const char *name = "unknown";
        int id = key ? EVP_PKEY_get_base_id(key) : 0, signature = X509_get_signature_nid(x);

        if (id == EVP_PKEY_RSA)
                name = "RSA";
        else if (id == EVP_PKEY_EC)
                name = "EC";
        else if (id == EVP_PKEY_ED25519)
                name = "Ed25519";
        else if (id == EVP_PKEY_DSA)
                name = "DSA";
        fact_set_string(node->arena, fact, "keyAlgorithm", str_from(name));
        fact_set_int(node->arena, fact, "keyBits", key ? EVP_PKEY_get_bits(key) : 0);
        name = OBJ_nid2ln(signature);
        fact_set_string(node->arena, fact, "signature", str_from(name ? name : "unknown"));
}

static int64_t seconds_of(const ASN1_TIME *time) {
        struct tm tm;

        return ASN1_TIME_to_tm(time, &tm) ? (int64_t)timegm(&tm) : 0;
}

static struct str time_text(struct node *node, int64_t seconds) {
        time_t time = (time_t)seconds;
        struct tm tm;
        char text[64];

        gmtime_r(&time, &tm);
        return arena_str(node->arena, (struct str){ text, strftime(text, sizeof text,
                                                                   "%Y-%m-%dT%H:%M:%SZ", &tm) });
}

static struct str digest_text(struct node *node, const X509 *x) {
        unsigned char hash[EVP_MAX_MD_SIZE];
        unsigned size = 0;
        struct buf text _cleanup_(buf_free) = BUF_INIT;

        buf_add(&text, STR("sha256:"));
        if (!X509_digest(x, EVP_sha256(), hash, &size))
                size = 0;
        for (unsigned i = 0; i < size; i++)
                buf_printf(&text, "%02x", hash[i]);
        return arena_str(node->arena, buf_str(&text));
}

static int64_t floor_days(int64_t seconds) {
        return seconds >= 0 ? seconds / 86400 : -((-seconds + 86399) / 86400);
}

static struct fact *certificate_fact(struct node *node, X509 *x, struct place place,
                                     const char *purpose) {
        struct arena *arena = node->arena;
        struct fact *fact = fact_map(arena);
        int64_t end = seconds_of(X509_get0_notAfter(x));

        fact_set_string(arena, fact, "path", place.file);
        fact_set_string(arena, fact, "purpose", str_from(purpose));
        fact_set(arena, fact, STR("subject"), name_fact(node, X509_get_subject_name(x)));
        fact_set(arena, fact, STR("issuer"), name_fact(node, X509_get_issuer_name(x)));
        add_alternatives(node, x, fact);
        fact_set_string(arena, fact, "notBefore",
                        time_text(node, seconds_of(X509_get0_notBefore(x))));
        fact_set_string(arena, fact, "notAfter", time_text(node, end));
        fact_set_int(arena, fact, "daysLeft", floor_days(end - node->options->now));
        add_key(node, x, fact);
        fact_set_bool(arena, fact, "authority", X509_check_ca(x) == 1);
        fact_set_bool(arena, fact, "selfSigned",
                      X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) == 0);
        add_usages(node, x, fact);
        fact_set_string(arena, fact, "fingerprint", digest_text(node, x));
        fact_set(arena, fact, STR("place"), fact_place(arena, place));
        return fact;
}

static uint32_t line_of(struct str text, size_t offset) {
        uint32_t line = 1;

        for (size_t i = 0; i < offset && i < text.len; i++)
                line += text.ptr[i] == '\n';
        return line;
}

/* Each certificate is cut out first, so that a key in the same file is never decoded. */
void certificates_parse(struct node *node, struct str text, struct place place, const char *purpose,
                        struct fact *list) {
        static const struct str begin = STR_INIT("-----BEGIN CERTIFICATE-----");
        static const struct str end = STR_INIT("-----END CERTIFICATE-----");
        size_t at = 0;

        for (int i = 0; i < NODE_CERTIFICATES_MAX; i++) {
                ptrdiff_t from = str_find(text, begin, at);
                ptrdiff_t to = from < 0 ? -1 : str_find(text, end, (size_t)from);
                struct place where = place;
                BIO *bio;
                X509 *x;

                if (to < 0 || to - from > FILE_MAX)
                        break;
                at = (size_t)to + end.len;
                bio = BIO_new_mem_buf(text.ptr + from, (int)(at - (size_t)from));
                x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
                where.line += line_of(text, (size_t)from) - 1;
                if (x)
                        fact_add(node->arena, list, certificate_fact(node, x, where, purpose));
                X509_free(x);
                BIO_free(bio);
        }
        ERR_clear_error();
}

void certificates_read(struct node *node, const struct root *root, struct str path,
                       const char *purpose, struct fact *list) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct stat st;
        int r;

        if (root_stat(root, path, true, &st) < 0 || !S_ISREG(st.st_mode))
                return;
        r = root_read(root, path, FILE_MAX, &buf);
        if (r < 0 && r != -ENOENT)
                node_gap(node, "certificate", path, node_error_text(node, r), "certificates");
        if (r >= 0)
                certificates_parse(node, buf_str(&buf),
                                   (struct place){ arena_str(node->arena, path), 1, 1 }, purpose,
                                   list);
        if (buf.data)
                OPENSSL_cleanse(buf.data, buf.len);
}

struct str private_key_kind(struct str text, bool *ret_encrypted) {
        ptrdiff_t at = str_find(text, STR("PRIVATE KEY-----"), 0);
        size_t from;

        if (at < 0)
                return STR("");
        from = (size_t)at;
        while (from > 0 && text.ptr[from - 1] != '\n' && text.ptr[from - 1] != '-')
                from--;
        if (from == (size_t)at && !str_starts(str_slice(text, from, text.len), STR("PRIVATE")))
                return STR("");
        *ret_encrypted = str_find(text, STR("ENCRYPTED"), 0) >= 0;
        text = str_slice(text, from, (size_t)at + strlen("PRIVATE KEY"));
        if (str_starts(text, STR("BEGIN ")))
                text = str_slice(text, strlen("BEGIN "), text.len);
        return text;
}
