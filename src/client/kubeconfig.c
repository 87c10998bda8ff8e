#include "client/kubeconfig.h"

#include <errno.h>
#include <time.h>

#include "base/base64.h"
#include "base/fs.h"
#include "base/util.h"
#include "base/vec.h"

enum { FILE_MAX = 8 << 20, FILES_MAX = 64 };

#define POD_FOLDER "/var/run/secrets/kubernetes.io/serviceaccount/"

/* One of the files, and where its relative paths start. */
struct file {
        struct str path, folder;
        const struct doc_node *root;
};

struct loader {
        struct arena *arena;
        struct error *error;
        VEC(struct file) files;
};

/* An entry of clusters, users or contexts: what stands below its name, and the file it is in. */
struct entry {
        const struct doc_node *node;
        const struct file *file;
};

/* --- files --- */

static struct str folder_of(struct arena *arena, struct str path) {
        size_t end = path.len;

        while (end > 0 && path.ptr[end - 1] != '/')
                end--;
        return end > 0 ? str_slice(path, 0, end) : arena_str(arena, STR(""));
}

/* A missing file is no error unless it is NEEDED. */
static int add_file(struct loader *l, struct str path, bool needed) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct doc_source *source = arena_new(l->arena, struct doc_source);
        struct doc_reader reader;
        struct file *file;
        struct doc *doc;
        int r = fs_read(path.ptr, -1, FILE_MAX, true, &buf, l->error);

        if (r == -ENOENT && !needed)
                return 0;
        if (r >= 0)
                r = doc_source_init(l->arena, path, arena_str(l->arena, buf_str(&buf)), source,
                                    l->error);
        if (r < 0) {
                error_set_file(l->error, path);
                return r;
        }
        doc_reader_init(&reader, source, DOC_AUTO, NULL);
        r = doc_read(&reader, l->arena, &doc, l->error);
        if (r < 0) {
                error_set_file(l->error, path);
                return r;
        }
        if (r == 0)
                return 0;
        if (doc->root->kind != DOC_MAP) {
                error_set_file(l->error, path);
                return error_set(l->error, -EINVAL, "is no kubeconfig");
        }
        file = vec_push_in(l->arena, &l->files);
        *file = (struct file){ path, folder_of(l->arena, path), doc->root };
        return 0;
}

/* The files that kubectl would read. */
static int add_files(struct loader *l, const char *path) {
        const char *list = getenv("KUBECONFIG"), *home = getenv("HOME");
        struct str rest = str_from(list ? list : ""), part;
        int r = 0;

        if (path)
                return add_file(l, arena_str(l->arena, str_from(path)), true);
        if (list && *list) {
                for (size_t i = 0; r >= 0 && i < FILES_MAX && str_split(&rest, ':', &part); i++)
                        if (part.len > 0)
                                r = add_file(l, arena_str(l->arena, part), false);
                return r;
        }
        if (!home || !*home)
                return 0;
        return add_file(l, arena_printf(l->arena, "%s/.kube/config", home), false);
}

/* --- entries --- */

static struct str text_at(const struct doc_node *map, const char *key) {
        return doc_string(doc_get(map, str_from(key)), STR(""));
}

static bool flag_at(const struct doc_node *map, const char *key) {
        const struct doc_node *node = doc_get(map, str_from(key));

        return node && node->kind == DOC_BOOL && node->boolean;
}

static int wrong(struct loader *l, const struct file *file, const struct doc_node *node,
                 const char *what) {
        int r = error_set_at(l->error, -EINVAL, node ? node->start.line : 0,
                             node ? node->start.column : 0, "%s", what);

        error_set_file(l->error, file->path);
        return r;
}

/* The first entry NAME of LIST ("clusters") in the files; its content is at KEY ("cluster"). */
static bool find_entry(const struct loader *l, const char *list, const char *key, struct str name,
                       struct entry *ret) {
        for (size_t i = 0; i < l->files.count; i++) {
                const struct file *file = &l->files.items[i];
                const struct doc_node *items = doc_get(file->root, str_from(list));

                if (!items || items->kind != DOC_LIST)
                        continue;
                for (uint32_t k = 0; k < items->list.count; k++)
                        if (str_eq(text_at(&items->list.items[k], "name"), name)) {
                                *ret = (struct entry){
                                        doc_get(&items->list.items[k], str_from(key)), file
                                };
                                return true;
                        }
        }
        return false;
}

static struct str current_context(const struct loader *l) {
        for (size_t i = 0; i < l->files.count; i++) {
                struct str name = text_at(l->files.items[i].root, "current-context");

                if (name.len > 0)
                        return name;
        }
        return STR("");
}

static struct str absolute(struct loader *l, const struct file *file, struct str path) {
        if (path.len == 0 || path.ptr[0] == '/')
                return arena_str(l->arena, path);
        return arena_printf(l->arena, "%.*s%.*s", STR_ARG(file->folder), STR_ARG(path));
}

/* A PEM text: as base64 at KEY-data, or in the file at KEY. */
static int read_pem(struct loader *l, const struct entry *entry, const char *key, struct str *ret) {
        struct str data = text_at(entry->node, arena_printf(l->arena, "%s-data", key).ptr);
        struct str path = text_at(entry->node, key), bytes;
        struct buf buf _cleanup_(buf_free) = BUF_INIT;

        if (data.len > 0) {
                if (base64_decode(l->arena, data, &bytes) < 0)
                        return wrong(l, entry->file, doc_get(entry->node, str_from(key)),
                                     arena_printf(l->arena, "%s-data is no base64", key).ptr);
                *ret = arena_str(l->arena, bytes);
                return 0;
        }
        if (path.len == 0)
                return 0;
        path = absolute(l, entry->file, path);
        if (fs_read(path.ptr, -1, FILE_MAX, true, &buf, l->error) < 0) {
                error_set_file(l->error, path);
                return -EINVAL;
        }
        *ret = arena_str(l->arena, buf_str(&buf));
        return 0;
}

/* --- clusters --- */

static int read_cluster(struct loader *l, const struct entry *entry, struct kubeconfig *ret) {
        struct str server = text_at(entry->node, "server");

        while (str_ends(server, STR("/")))
                server.len--;
        if (server.len == 0)
                return wrong(l, entry->file, entry->node, "the cluster has no server");
        ret->server = arena_str(l->arena, server);
        ret->server_name = arena_str(l->arena, text_at(entry->node, "tls-server-name"));
        ret->proxy = arena_str(l->arena, text_at(entry->node, "proxy-url"));
        ret->insecure = flag_at(entry->node, "insecure-skip-tls-verify");
        return read_pem(l, entry, "certificate-authority", &ret->authority);
}

/* --- users --- */

static struct str *read_texts(struct loader *l, const struct doc_node *list, size_t *ret_count) {
        size_t count = list && list->kind == DOC_LIST ? list->list.count : 0;
        struct str *items = arena_new_array(l->arena, count, struct str);

        for (size_t i = 0; i < count; i++)
                items[i] = arena_str(l->arena, doc_string(&list->list.items[i], STR("")));
        *ret_count = count;
        return items;
}

static int read_exec(struct loader *l, const struct entry *entry, const struct doc_node *node,
                     struct kubeconfig *ret) {
        struct kubeconfig_exec *exec = arena_new(l->arena, struct kubeconfig_exec);
        const struct doc_node *env = doc_get(node, STR("env"));
        struct str command = text_at(node, "command");

        exec->api_version = arena_str(l->arena, text_at(node, "apiVersion"));
        if (!str_eq(exec->api_version, STR("client.authentication.k8s.io/v1")) &&
            !str_eq(exec->api_version, STR("client.authentication.k8s.io/v1beta1")))
                return wrong(l, entry->file, node,
                             "exec plugins must speak client.authentication.k8s.io/v1 or v1beta1");
        if (command.len == 0)
                return wrong(l, entry->file, node, "the exec plugin has no command");
        /* A bare name is looked for in PATH, a relative path starts at the file. */
        exec->command = str_find(command, STR("/"), 0) >= 0 ? absolute(l, entry->file, command)
                                                            : arena_str(l->arena, command);
        exec->args = read_texts(l, doc_get(node, STR("args")), &exec->arg_count);
        exec->cluster_info = flag_at(node, "provideClusterInfo");
        exec->hint = arena_str(l->arena, text_at(node, "installHint"));
        if (env && env->kind == DOC_LIST) {
                exec->env = arena_new_array(l->arena, env->list.count, struct str);
                for (uint32_t i = 0; i < env->list.count; i++)
                        exec->env[exec->env_count++] =
                                arena_printf(l->arena, "%.*s=%.*s",
                                             STR_ARG(text_at(&env->list.items[i], "name")),
                                             STR_ARG(text_at(&env->list.items[i], "value")));
        }
        ret->exec = exec;
        return 0;
}

static int read_user(struct loader *l, const struct entry *entry, struct kubeconfig *ret) {
        const struct doc_node *node = entry->node, *exec = doc_get(node, STR("exec"));
        struct str file = text_at(node, "tokenFile");
        int r = read_pem(l, entry, "client-certificate", &ret->certificate);

        if (r >= 0)
                r = read_pem(l, entry, "client-key", &ret->key);
        if (r < 0)
                return r;
        if ((ret->certificate.len > 0) != (ret->key.len > 0))
                return wrong(l, entry->file, node,
                             "a client certificate needs a key, and a key a certificate");
        if (doc_get(node, STR("auth-provider")))
                return wrong(
                        l, entry->file, doc_get(node, STR("auth-provider")),
                        "auth-provider is gone from Kubernetes since 1.26; use an exec plugin");
        ret->token = arena_str(l->arena, text_at(node, "token"));
        if (file.len > 0)
                ret->token_file = absolute(l, entry->file, file);
        ret->name = arena_str(l->arena, text_at(node, "username"));
        ret->password = arena_str(l->arena, text_at(node, "password"));
        ret->as = arena_str(l->arena, text_at(node, "as"));
        ret->as_uid = arena_str(l->arena, text_at(node, "as-uid"));
        ret->as_groups = read_texts(l, doc_get(node, STR("as-groups")), &ret->as_group_count);
        return exec && exec->kind == DOC_MAP ? read_exec(l, entry, exec, ret) : 0;
}

/* --- the whole --- */

/* A pod's own credentials. Returns false where this is no pod. */
static bool load_pod(struct arena *arena, struct kubeconfig *ret) {
        const char *host = getenv("KUBERNETES_SERVICE_HOST"),
                   *port = getenv("KUBERNETES_SERVICE_PORT");
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        bool six = host && strchr(host, ':');

        if (!host || !port || !*host || !*port ||
            fs_read(POD_FOLDER "ca.crt", -1, FILE_MAX, true, &buf, NULL) < 0)
                return false;
        ret->server = arena_printf(arena, "https://%s%s%s:%s", six ? "[" : "", host, six ? "]" : "",
                                   port);
        ret->authority = arena_str(arena, buf_str(&buf));
        ret->token_file = STR(POD_FOLDER "token");
        buf_clear(&buf);
        if (fs_read(POD_FOLDER "namespace", -1, FILE_MAX, true, &buf, NULL) >= 0)
                ret->namespace = arena_str(arena, str_trim(buf_str(&buf)));
        return true;
}

static int resolve(struct loader *l, struct str context, struct kubeconfig *ret) {
        struct entry entry;
        int r;

        if (!find_entry(l, "contexts", "context", context, &entry))
                return error_set(l->error, -ENOENT,
                                 "there is no context \"%.*s\" in the kubeconfig",
                                 STR_ARG(context));
        ret->context = arena_str(l->arena, context);
        ret->cluster = arena_str(l->arena, text_at(entry.node, "cluster"));
        ret->user = arena_str(l->arena, text_at(entry.node, "user"));
        ret->namespace = arena_str(l->arena, text_at(entry.node, "namespace"));
        if (!find_entry(l, "clusters", "cluster", ret->cluster, &entry))
                return error_set(l->error, -ENOENT,
                                 "context \"%.*s\" names cluster \"%.*s\", which the kubeconfig "
                                 "does not have",
                                 STR_ARG(context), STR_ARG(ret->cluster));
        r = read_cluster(l, &entry, ret);
        if (r < 0 || ret->user.len == 0)
                return r;
        if (!find_entry(l, "users", "user", ret->user, &entry))
                return error_set(l->error, -ENOENT,
                                 "context \"%.*s\" names user \"%.*s\", which the kubeconfig does "
                                 "not have",
                                 STR_ARG(context), STR_ARG(ret->user));
        return read_user(l, &entry, ret);
}

int kubeconfig_load(struct arena *arena, const struct kubeconfig_choice *choice,
                    struct kubeconfig *ret, struct error *error) {
        struct loader l = { .arena = arena, .error = error };
        int r = add_files(&l, choice->path);
        struct str context;

        *ret = (struct kubeconfig){ 0 };
        if (r < 0)
                return r;
        if (l.files.count == 0 && !choice->path && load_pod(arena, ret))
                return 0;
        if (l.files.count == 0)
                return error_set(error, -ENOENT,
                                 "no kubeconfig: neither KUBECONFIG nor ~/.kube/config leads to "
                                 "one, and this is no pod");
        context = choice->context ? str_from(choice->context) : current_context(&l);
        if (context.len == 0)
                return error_set(error, -ENOENT,
                                 "the kubeconfig has no current context; choose one with "
                                 "--context");
        return resolve(&l, context, ret);
}

/* --- credentials of plugins --- */

/* RFC 3339 in UTC, as plugins write it; what is not is taken for the past: ask again. */
static int64_t seconds_of(struct str text) {
        struct tm time = { 0 };
        const char *end;

        if (text.len == 0)
                return INT64_MAX;
        end = strptime(text.ptr, "%Y-%m-%dT%H:%M:%S", &time);
        return end && strchr("Z.", *end) && *end ? (int64_t)timegm(&time) : 0;
}

int kubeconfig_read_credential(struct arena *arena, struct str text, struct kubeconfig *config,
                               int64_t *ret_expiry, struct error *error) {
        struct doc_source source = { STR("the exec plugin"), text };
        const struct doc_node *status;
        struct doc_reader reader;
        struct doc *doc;

        doc_reader_init(&reader, &source, DOC_JSON, NULL);
        /* What it printed may hold the secret: it is not repeated. */
        if (doc_read(&reader, arena, &doc, NULL) <= 0 ||
            !str_eq(text_at(doc->root, "kind"), STR("ExecCredential")))
                return error_set(error, -EINVAL, "the exec plugin printed no ExecCredential");
        if (!str_eq(text_at(doc->root, "apiVersion"), config->exec->api_version))
                return error_set(error, -EINVAL,
                                 "the exec plugin answered in another version than it was asked "
                                 "in (%.*s)",
                                 STR_ARG(config->exec->api_version));
        status = doc_get(doc->root, STR("status"));
        config->token = arena_str(arena, text_at(status, "token"));
        config->certificate = arena_str(arena, text_at(status, "clientCertificateData"));
        config->key = arena_str(arena, text_at(status, "clientKeyData"));
        if (config->token.len == 0 && (config->certificate.len == 0 || config->key.len == 0))
                return error_set(error, -EINVAL,
                                 "the exec plugin gave neither a token nor a certificate with "
                                 "its key");
        *ret_expiry = seconds_of(arena_str(arena, text_at(status, "expirationTimestamp")));
        return 0;
}
