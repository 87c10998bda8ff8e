/*
 * Probes: what the ports of this machine answer to a GET, without credentials and with those of the
 * kubelet. Nothing but GET is sent, nothing but addresses of this machine is asked, answers are cut
 * off, and redirects are not followed. Who answers is not verified: the question is what it lets
 * in.
 */
#include <curl/curl.h>

#include "node/private.h"

enum { ANSWER_MAX = 1 << 20, SECONDS = 3 };

struct answer {
        struct buf body;
        long status;
};

struct target {
        const char *component, *path;
        int64_t port;
        bool tls, keep;
};

static size_t take(char *data, size_t size, size_t count, void *userdata) {
        struct answer *answer = userdata;

        if (answer->body.len + size * count > ANSWER_MAX)
                return 0; /* enough: the status is known */
        buf_add(&answer->body, (struct str){ data, size * count });
        return size * count;
}

static void ask(const char *url, const char *certificate, const char *key, struct answer *ret) {
        CURL *curl = curl_easy_init();

        if (!curl)
                return;
        curl_easy_setopt(curl, CURLOPT_URL, url);
        curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
        curl_easy_setopt(curl, CURLOPT_PROXY, "");
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
        curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)SECONDS);
        curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 1L);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, ret);
        if (certificate) {
                curl_easy_setopt(curl, CURLOPT_SSLCERT, certificate);
                curl_easy_setopt(curl, CURLOPT_SSLKEY, key);
        }
        curl_easy_perform(curl);
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &ret->status);
        curl_easy_cleanup(curl);
}

static const char *verdict(long status) {
        if (status == 0)
                return "closed";
        if (status == 401)
                return "refused";
        if (status == 403)
                return "anonymous";
        return status >= 200 && status < 300 ? "open" : "other";
}

static void add(struct node *node, struct fact *list, const struct target *target,
                const char *address, bool client, long status, struct place place) {
        struct arena *arena = node->arena;
        struct fact *fact = fact_add(arena, list, fact_map(arena));

        fact_set_string(arena, fact, "component", str_from(target->component));
        fact_set_int(arena, fact, "port", target->port);
        fact_set_string(arena, fact, "address", arena_str(arena, str_from(address)));
        fact_set_string(arena, fact, "path", str_from(target->path));
        fact_set_string(arena, fact, "credentials", client ? STR("client") : STR("none"));
        fact_set_int(arena, fact, "status", status);
        /* with credentials a 403 is no anonymous access */
        fact_set_string(arena, fact, "verdict",
                        client && status == 403 ? STR("refused") : str_from(verdict(status)));
        fact_set_bool(arena, fact, "tls", target->tls);
        fact_set(arena, fact, STR("place"), fact_place(arena, place));
}

/* Loopback where the server listens there, too, else its own address if it is one of this
 * machine. */
static const char *address_of(struct node *node, struct str bind) {
        const struct fact *list = fact_get(fact_get(node->facts, "host"), "addresses");

        if (bind.len == 0 || str_eq(bind, STR("0.0.0.0")) || str_eq(bind, STR("::")))
                return "127.0.0.1";
        for (const struct fact_member *m = list ? list->first : NULL; m; m = m->next)
                if (str_eq(fact_value_text(fact_get(m->value, "address")), bind))
                        return arena_str(node->arena, bind).ptr;
        return str_starts(bind, STR("127.")) ? arena_str(node->arena, bind).ptr : NULL;
}

static bool same_value(const struct fact *ours, const struct doc_node *live) {
        double number;

        if (!live)
                return true; /* it leaves zeroes out */
        switch (live->kind) {
        case DOC_BOOL:
                return ours->kind == FACT_BOOL && ours->boolean == live->boolean;
        case DOC_INT:
                return ours->kind == FACT_INT && ours->integer == live->integer;
        case DOC_STRING:
                if (ours->kind == FACT_NUMBER && node_duration(live->string, &number))
                        return ours->number == number;
                return ours->kind == FACT_STRING && str_eq(ours->string, live->string);
        default:
                return true;
        }
}

/* Settings whose value the kubelet itself says otherwise: the file was changed since it started. */
static void compare(struct node *node, struct fact *config, const struct doc_node *live,
                    struct str path, struct fact *list) {
        struct arena *arena = node->arena;

        for (struct fact_member *m = config->first; m; m = m->next) {
                const struct doc_node *twin = doc_get(live, m->key);
                struct str name = arena_printf(arena, "%.*s%s%.*s", STR_ARG(path),
                                               path.len ? "." : "", STR_ARG(m->key));
                struct fact *fact;

                if (!fact_get(m->value, "place")) {
                        compare(node, m->value, twin, name, list);
                        continue;
                }
                if (!fact_value(m->value) || same_value(fact_value(m->value), twin) ||
                    (str_starts(name, STR("tls")) &&
                     fact_value_text(m->value).len == 0)) /* it made a certificate for itself */
                        continue;
                fact = fact_add(arena, list, fact_map(arena));
                fact_set_string(arena, fact, "field", name);
                fact_set(arena, fact, STR("configured"), (struct fact *)fact_value(m->value));
                fact_set(arena, fact, STR("live"), fact_of_doc(arena, twin));
                fact_set(arena, fact, STR("place"), fact_get(m->value, "place"));
        }
}

static void read_configz(struct node *node, const struct buf *body, struct fact *differences) {
        struct doc_source *source = arena_new(node->arena, struct doc_source);
        struct str text = arena_str(node->arena, buf_str(body));
        const struct doc_node *live;
        struct doc_reader reader;
        struct doc *doc;

        if (doc_source_init(node->arena, STR("/configz"), text, source, NULL) < 0)
                return;
        doc_reader_init(&reader, source, DOC_JSON, &doc_default_limits);
        if (doc_read(&reader, node->arena, &doc, NULL) <= 0)
                return;
        live = doc_get(doc->root, STR("kubeletconfig"));
        if (live)
                compare(node, fact_get(node->kubelet, "config"), live, STR(""), differences);
}

static void probe(struct node *node, const struct target *target, struct str bind,
                  const struct fact *setting, struct fact *list, struct fact *differences) {
        const char *address = address_of(node, bind), *certificate = NULL;
        const struct fact *config = fact_get(node->kubelet, "kubeconfig");
        struct str pem = fact_value_text(fact_get(config, "clientCertificate"));
        struct str key = fact_value_text(fact_get(config, "clientKey"));
        const struct fact *at = fact_get(setting, "place");
        struct place place = { STR("/proc/net/tcp"), 1, 1 };
        struct str url;

        if (at)
                place = (struct place){ fact_value_text(fact_get(at, "file")),
                                        (uint32_t)fact_value_int(fact_get(at, "line"), 1),
                                        (uint32_t)fact_value_int(fact_get(at, "column"), 1) };
        if (!address || target->port <= 0 || target->port > 65535)
                return;
        url = arena_printf(
                node->arena,
                memchr(address, ':', strlen(address)) ? "%s://[%s]:%d%s" : "%s://%s:%d%s",
                target->tls ? "https" : "http", address, (int)target->port, target->path);
        if (pem.len > 0 && key.len > 0 && target->tls && root_exists(&node->root, pem))
                certificate = arena_str(node->arena, pem).ptr;
        for (int client = 0; client <= (certificate != NULL); client++) {
                struct answer answer = { 0 };

                ask(url.ptr, client ? certificate : NULL, arena_str(node->arena, key).ptr, &answer);
                add(node, list, target, address, client, answer.status, place);
                if (answer.status == 200 && str_eq(str_from(target->path), STR("/configz")) &&
                    target->tls && differences->count == 0)
                        read_configz(node, &answer.body, differences);
                buf_free(&answer.body);
        }
}

void probe_collect(struct node *node) {
        struct arena *arena = node->arena;
        struct fact *config = fact_get(node->kubelet, "config");
        struct fact *list, *differences;
        struct str address = fact_value_text(fact_get(config, "address"));
        int64_t port = fact_value_int(fact_get(config, "port"), 10250);
        int64_t plain = fact_value_int(fact_get(config, "readOnlyPort"), 0);
        int64_t healthz = fact_value_int(fact_get(config, "healthzPort"), 10248);
        const struct target targets[] = {
                { "kubelet", "/pods", port, true, false },
                { "kubelet", "/configz", port, true, true },
                { "kubelet", "/metrics", port, true, false },
                { "kubelet", "/runningpods/", port, true, false },
                { "kubelet", "/logs/", port, true, false },
                { "kubelet", "/healthz", port, true, false },
                { "kubelet", "/pods", plain ? plain : 10255, false, false },
                { "kubelet", "/healthz", healthz, false, false },
                { "kube-proxy", "/healthz", 10256, false, false },
                { "kube-proxy", "/metrics", 10249, false, false },
        };

        if (!config)
                return;
        list = fact_set(arena, node->kubelet, STR("probes"), fact_list(arena));
        differences = fact_set(arena, node->kubelet, STR("differences"), fact_list(arena));
        if (!node->options->probe)
                return;
        if (!node->root.live) {
                node_gap(node, "probes", node->root.path, STR("only of this machine itself"),
                         "kubelet.probes");
                return;
        }
        for (size_t i = 0; i < ELEMENTS(targets); i++)
                probe(node, &targets[i], targets[i].port == healthz ? STR("") : address,
                      fact_get(config, targets[i].port == plain ? "readOnlyPort" : "port"), list,
                      differences);
}
