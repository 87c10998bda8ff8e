/*
 * Container runtimes: what is common to them.
 */
#include "node/runtime.h"

static const struct {
        const char *name, *paths[6];
        const char *packages[4];
} low_level[] = {
        { "runc",
          { "/usr/sbin/runc", "/usr/bin/runc", "/usr/local/sbin/runc", "/usr/local/bin/runc",
            NULL },
          { "runc", "containerd.io", NULL } },
        { "crun", { "/usr/bin/crun", "/usr/local/bin/crun", NULL }, { "crun", NULL } },
        { "kata", { "/usr/bin/kata-runtime", "/opt/kata/bin/kata-runtime", NULL }, { NULL } },
        { "runsc", { "/usr/local/bin/runsc", "/usr/bin/runsc", NULL }, { "runsc", NULL } },
};

int toml_files_read(struct node *node, const struct root *root, struct str path, const char *facts,
                    struct toml_files *ret) {
        struct error error = { 0 };
        struct str text;
        int r = node_read(node, root, path, "configuration of the container runtime", facts, &text);

        if (r == -ENOENT || r == -ENOTDIR)
                return -ENOENT;
        path = arena_str(node->arena, path);
        fact_add(node->arena, ret->files, node_file_in(node, root, path, "config"));
        if (r < 0) {
                ret->unknown = arena_printf(node->arena, "%.*s: %.*s", STR_ARG(path),
                                            STR_ARG(node_error_text(node, r)));
                return r;
        }
        *vec_push_in(node->arena, &ret->origins) =
                (struct word){ path, { path, (uint32_t)ret->toml.count + 1, 1 }, "config" };
        r = toml_parse(node->arena, text, &ret->toml, &error);
        if (r < 0) {
                ret->unknown = arena_printf(node->arena, "%.*s:%u:%u: %s", STR_ARG(path),
                                            error.line, error.column, error.message);
                node_gap(node, "configuration of the container runtime", path, ret->unknown, facts);
        }
        return r;
}

struct place toml_place(const struct toml_files *files, const struct toml_value *value) {
        size_t at = (size_t)(value - files->toml.items), i = files->origins.count;

        while (i > 1 && files->origins.items[i - 1].place.line > at + 1)
                i--;
        return (struct place){ files->origins.items[i - 1].text, value->line, value->column };
}

static struct str text_of(struct arena *arena, const struct toml_value *value) {
        switch (value->kind) {
        case TOML_BOOLEAN:
                return value->boolean ? STR("true") : STR("false");
        case TOML_INTEGER:
                return arena_printf(arena, "%lld", (long long)value->integer);
        default:
                return value->string;
        }
}

struct fact *toml_setting(struct node *node, const struct toml_files *files,
                          const char *const *keys, enum setting_type type, const char *fallback,
                          struct place place) {
        struct arena *arena = node->arena;
        const struct toml_value *found = NULL;
        struct fact *value;

        for (size_t i = 0; keys[i]; i++) {
                const struct toml_value *one = toml_get(&files->toml, keys[i]);

                found = one && one > found ? one : found;
        }
        if (!found && files->unknown.len > 0)
                return fact_unknown(arena, files->unknown, place);
        if (!found)
                return fact_setting(arena,
                                    setting_value(arena, type, str_from(fallback ? fallback : "")),
                                    "default", place);
        place = toml_place(files, found);
        if (found->kind == TOML_LIST) {
                value = fact_list(arena);
                for (size_t i = 0; i < found->count; i++)
                        fact_add_string(arena, value, found->items[i]);
        } else {
                value = setting_value(arena, type, text_of(arena, found));
        }
        if (!value || (type == SETTING_LIST) != (value->kind == FACT_LIST))
                return fact_unknown(arena, STR("the value is of another type"), place);
        return fact_setting(arena, value,
                            str_eq(place.file, files->origins.items[0].text) ? "config" : "drop-in",
                            place);
}

static void add_version(struct node *node, struct engine *engine) {
        bool patched = false;
        struct fact *version = packages_version(node, engine->packages, &patched);

        if (version)
                engine->installed = true;
        else
                version = fact_unknown(node->arena, STR("no package here says which version it is"),
                                       engine->component.place);
        fact_set(node->arena, engine->fact, STR("version"), version);
        fact_set(node->arena, engine->fact, STR("vulnerabilities"),
                 advisories_of(node, engine->name, version, patched));
}

bool engine_find(struct node *node, struct engine *engine, struct fact *list) {
        struct arena *arena = node->arena;
        struct fact *facts = node->facts, *holder = fact_map(arena);

        /* The frame of a component, which here is no member of the document. */
        engine->component.name = engine->program;
        engine->component.key = engine->name;
        engine->component.unit_name = engine->unit;
        node->facts = holder;
        component_find(node, &engine->component);
        node->facts = facts;
        engine->fact = fact_map(arena);
        fact_set_string(arena, engine->fact, "name", str_from(engine->name));
        fact_set_bool(arena, engine->fact, "present", true);
        for (const struct fact_member *m = engine->component.fact->first; m; m = m->next)
                if (!str_eq(m->key, STR("present")) && !str_eq(m->key, STR("version")) &&
                    !str_eq(m->key, STR("drifted")))
                        fact_set(arena, engine->fact, m->key, m->value);
        if (!fact_get(engine->fact, "running"))
                fact_set_bool(arena, engine->fact, "running", false);
        add_version(node, engine);
        if (!engine->component.present && !engine->installed)
                return false;
        if (!fact_get(engine->fact, "place"))
                fact_set(arena, engine->fact, STR("place"),
                         fact_get(fact_get(engine->fact, "version"), "place"));
        fact_add(arena, list, engine->fact);
        fact_set(arena, engine->fact, STR("sockets"), fact_list(arena));
        fact_set(arena, engine->fact, STR("registries"), fact_list(arena));
        fact_set(arena, engine->fact, STR("runtimes"), fact_list(arena));
        engine->settings = fact_set(arena, engine->fact, STR("settings"), fact_map(arena));
        return true;
}

void engine_add_socket(struct node *node, struct engine *engine, struct str address,
                       const char *purpose) {
        struct fact *file;

        if (str_starts(address, STR("unix://")))
                address = str_slice(address, strlen("unix://"), address.len);
        if (address.len == 0 || address.ptr[0] != '/')
                return;
        file = node_file_in(node, component_root(node, &engine->component), address, purpose);
        if (fact_value_bool(fact_get(file, "exists"), true))
                fact_add(node->arena, fact_get(engine->fact, "sockets"), file);
}

static void add_low_level(struct node *node, struct fact *list) {
        for (size_t i = 0; i < ELEMENTS(low_level); i++) {
                struct arena *arena = node->arena;
                struct fact *fact, *version;
                const char *const *path = low_level[i].paths;
                bool patched = false;

                while (*path && !root_exists(&node->root, str_from(*path)))
                        path++;
                if (!*path)
                        continue;
                fact = fact_add(arena, list, fact_map(arena));
                fact_set_string(arena, fact, "name", str_from(low_level[i].name));
                fact_set_string(arena, fact, "path", str_from(*path));
                version = packages_version(node, low_level[i].packages, &patched);
                /* containerd.io brings a runc whose version its own does not tell */
                if (!version ||
                    str_starts(fact_value_text(fact_get(version, "package")), STR("containerd.io")))
                        version =
                                fact_unknown(arena, STR("no package here says which version it is"),
                                             (struct place){ str_from(*path), 1, 1 });
                fact_set(arena, fact, STR("version"), version);
                fact_set(arena, fact, STR("file"),
                         node_file(node, str_from(*path), low_level[i].name));
                fact_set(arena, fact, STR("vulnerabilities"),
                         advisories_of(node, low_level[i].name, version, patched));
                fact_set(arena, fact, STR("place"),
                         fact_place(arena, (struct place){ str_from(*path), 1, 1 }));
        }
}

void runtime_collect(struct node *node) {
        struct arena *arena = node->arena;
        struct fact *runtime = fact_set(arena, node->facts, STR("runtime"), fact_map(arena));
        struct fact *engines = fact_list(arena);
        struct fact *endpoint =
                fact_get(fact_get(node->kubelet, "config"), "containerRuntimeEndpoint");

        fact_set(arena, runtime, STR("endpoint"), endpoint);
        fact_set(arena, runtime, STR("engines"), engines);
        containerd_collect(node, engines);
        crio_collect(node, engines);
        docker_collect(node, engines);
        add_low_level(node, fact_set(arena, runtime, STR("oci"), fact_list(arena)));
}
