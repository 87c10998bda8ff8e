/*
 * The components of Kubernetes on a node: where their command lines are.
 *
 * What is started by a static pod has its flags in the manifest; what systemd starts, in a unit,
 * its drop-ins and environment files; and whatever runs has them in /proc/PID/cmdline. The manifest
 * decides where there is one, else the process, whose flags are then placed where the unit has
 * them.
 */
#include <limits.h>

#include "node/private.h"

static const char *const pod_folders[] = {
        "/etc/kubernetes/manifests",
        "/etc/kubelet.d",
        "/var/lib/rancher/rke2/agent/pod-manifests",
        "/var/lib/rancher/k3s/agent/pod-manifests",
        "/etc/kubernetes/static-pods",
};

enum { MANIFESTS_MAX = 200, MANIFEST_MAX = 1 << 20 };

bool is_program(struct str word, const char *name) {
        return str_eq(node_basename(word), str_from(name));
}

const struct root *component_root(const struct node *node, const struct component *component) {
        return component->inside.fd >= 0 ? &component->inside : &node->root;
}

static void read_manifests(struct node *node, struct str folder) {
        struct root_names names = { 0 };
        int r = root_list(&node->root, folder, node->arena, &names);

        if (r < 0 && r != -ENOENT && r != -ENOTDIR) {
                node_gap(node, "static pods", folder, node_error_text(node, r),
                         "apiServer controllerManager scheduler etcd");
                node->unreadable_pods = arena_printf(node->arena, "%.*s: %.*s", STR_ARG(folder),
                                                     STR_ARG(node_error_text(node, r)));
        }
        for (size_t i = 0; i < names.count && node->manifests.count < MANIFESTS_MAX; i++) {
                struct str path = node_join(node, folder, names.items[i]);
                struct stat st;
                struct yaml yaml;

                /* as the kubelet: whatever is no folder and has no dot in front */
                if (str_starts(names.items[i], STR(".")) ||
                    root_stat(&node->root, path, true, &st) < 0 || S_ISDIR(st.st_mode))
                        continue;
                r = node_yaml(node, &node->root, path, "static pod",
                              "apiServer controllerManager scheduler etcd", &yaml);
                if (r < 0)
                        node->unreadable_pods = yaml.why;
                *vec_push_in(node->arena, &node->manifests) = yaml;
        }
}

static void find_manifests(struct node *node) {
        if (node->has_manifests)
                return;
        node->has_manifests = true;
        if (node->static_pod_path.len > 0)
                read_manifests(node, node->static_pod_path);
        for (size_t i = 0; i < ELEMENTS(pod_folders) && node->manifests.count == 0; i++)
                if (!str_eq(str_from(pod_folders[i]), node->static_pod_path))
                        read_manifests(node, str_from(pod_folders[i]));
}

/* Words of a shell command that starts NAME: older installers write one. */
static bool split_script(struct node *node, const char *name, const struct word *word,
                         struct words *ret) {
        struct words words = { 0 };

        if (!memchr(word->text.ptr, ' ', word->text.len))
                return false;
        unit_split(node->arena, word->text, word->place, &words);
        for (size_t i = 0; i < words.count; i++) {
                if (!is_program(words.items[i].text, name))
                        continue;
                *ret = words;
                return true;
        }
        return false;
}

static void container_words(struct node *node, struct str path, const struct doc_node *container,
                            struct words *ret) {
        const char *const parts[] = { "command", "args" };

        for (size_t p = 0; p < ELEMENTS(parts); p++) {
                const struct doc_node *list = doc_find(container, parts[p]);

                if (!list || list->kind != DOC_LIST)
                        continue;
                for (uint32_t i = 0; i < list->list.count && ret->count < NODE_WORDS_MAX; i++)
                        if (list->list.items[i].kind == DOC_STRING)
                                *vec_push_in(node->arena, ret) =
                                        (struct word){ list->list.items[i].string,
                                                       node_place(path, &list->list.items[i]),
                                                       "flag" };
        }
}

static bool container_starts(struct node *node, struct component *component, struct str path,
                             const struct doc_node *container) {
        struct words words = { 0 };

        container_words(node, path, container, &words);
        for (size_t i = 0; i < words.count; i++) {
                struct words script = { 0 };

                if (split_script(node, component->name, &words.items[i], &script)) {
                        words = script;
                        i = 0;
                        while (i < words.count && !is_program(words.items[i].text, component->name))
                                i++;
                } else if (!is_program(words.items[i].text, component->name)) {
                        continue;
                }
                component->words = words;
                component->first = i + 1;
                component->container = container;
                component->place = words.items[i].place;
                return true;
        }
        return false;
}

static bool find_static(struct node *node, struct component *component) {
        find_manifests(node);
        for (size_t m = 0; m < node->manifests.count; m++) {
                const struct yaml *yaml = &node->manifests.items[m];

                for (size_t d = 0; d < yaml->count; d++) {
                        const struct doc_node *list =
                                doc_find(yaml->items[d], "spec", "containers");

                        if (!list || list->kind != DOC_LIST)
                                continue;
                        for (uint32_t i = 0; i < list->list.count; i++) {
                                if (!container_starts(node, component, yaml->path,
                                                      &list->list.items[i]))
                                        continue;
                                component->manifest = *yaml;
                                component->pod = yaml->items[d];
                                component->from = "static-pod";
                                return true;
                        }
                }
        }
        return false;
}

/* Where the flags of PROCESS begin; 0: it is not NAME. */
static size_t process_first(const struct process_info *process, const char *name) {
        const struct words *words = &process->words;

        if (is_program(words->items[0].text, name))
                return 1;
        if (words->count > 1 && str_eq(words->items[1].text, str_from(name)) &&
            (is_program(words->items[0].text, "kube") ||
             is_program(words->items[0].text, "hyperkube")))
                return 2;
        return 0;
}

/* How many words of PROCESS the manifest has, too: the right one of several. */
static size_t common_words(const struct process_info *process, const struct words *words) {
        size_t count = 0;

        for (size_t i = 0; i < process->words.count && i < 300; i++)
                for (size_t k = 0; k < words->count && k < 300; k++)
                        if (str_eq(process->words.items[i].text, words->items[k].text)) {
                                count++;
                                break;
                        }
        return count;
}

static void find_process(struct node *node, struct component *component) {
        size_t best = 0;

        for (size_t i = 0; i < node->processes.count; i++) {
                const struct process_info *process = &node->processes.items[i];
                size_t first = process_first(process, component->name), score;

                if (first == 0)
                        continue;
                score = component->words.count > 0 ? 1 + common_words(process, &component->words)
                                                   : (process->is_pod ? 1 : 2);
                if (score <= best)
                        continue;
                best = score;
                component->process = process;
        }
}

static void find_unit(struct node *node, struct component *component) {
        struct words words = { 0 };
        size_t at = 0;

        struct str name = component->unit_name
                                  ? str_from(component->unit_name)
                                  : arena_printf(node->arena, "%s.service", component->name);

        if (unit_read(node, name, &component->unit) < 0)
                return;
        unit_command(node, &component->unit, &words);
        while (at < words.count && !is_program(words.items[at].text, component->name))
                at++;
        component->has_unit = true;
        unit_environment(node, &component->unit, &component->environment);
        if (at == words.count)
                return;
        if (component->words.count == 0) {
                component->words = words;
                component->first = at + 1;
                component->place = words.items[at].place;
                component->from = "systemd";
        }
}

/* The words of the process, placed where WRITTEN has the same. */
static void take_process_words(struct node *node, struct component *component) {
        const struct words written = component->words;
        struct words words = { 0 };
        size_t first = process_first(component->process, component->name);

        for (size_t i = 0; i < component->process->words.count; i++) {
                struct word word = component->process->words.items[i];

                for (size_t k = 0; k < written.count; k++)
                        if (i >= first && str_eq(written.items[k].text, word.text))
                                word.place = written.items[k].place;
                *vec_push_in(node->arena, &words) = word;
        }
        component->words = words;
        component->first = first;
        if (!component->place.file.len)
                component->place = words.items[0].place;
}

/* A process in another mount namespace than the first one names files of its own. */
static void enter(struct node *node, struct component *component) {
        struct str mine, first;
        unsigned pid = component->process->pid;

        if (component->manifest.count > 0 ||
            root_readlink(&node->root, STR("/proc/1/ns/mnt"), node->arena, &first) < 0 ||
            root_readlink(&node->root, arena_printf(node->arena, "/proc/%u/ns/mnt", pid),
                          node->arena, &mine) < 0 ||
            str_eq(mine, first))
                return;
        root_enter(&node->root, pid, node->arena, &component->inside);
}

static struct fact *version_of(struct node *node, const struct component *component) {
        const struct doc_node *image =
                component->container ? doc_get(component->container, STR("image")) : NULL;
        struct str text = doc_string(image, STR("")), tag;
        size_t at = text.len;
        int major, minor;

        while (at > 0 && text.ptr[at - 1] != ':' && text.ptr[at - 1] != '/')
                at--;
        tag = str_slice(text, at, text.len);
        if (at == 0 || text.ptr[at - 1] != ':' || !node_version(tag, &major, &minor))
                return fact_unknown(node->arena, STR("nothing here says which version it is"),
                                    component->place);
        return fact_setting(node->arena, fact_string(node->arena, tag), "config",
                            node_place(component->manifest.path, image));
}

static void add_drift(struct node *node, struct component *component) {
        struct arena *arena = node->arena;
        struct fact *list = fact_set(arena, component->fact, STR("drifted"), fact_list(arena));
        struct flags running = { 0 };

        if (!component->process || component->manifest.count == 0)
                return;
        flags_parse(arena, &component->process->words,
                    process_first(component->process, component->name), component->settings,
                    component->setting_count, &running);
        for (int side = 0; side < 2; side++) {
                const struct flags *one = side ? &running : &component->flags;
                const struct flags *other = side ? &component->flags : &running;

                for (size_t i = 0; i < one->count; i++) {
                        const struct flag *flag = &one->items[i];
                        bool same = false, has = false;
                        struct fact *fact;

                        for (size_t k = 0; k < other->count; k++)
                                if (str_eq(other->items[k].name, flag->name)) {
                                        has = true;
                                        same = same || str_eq(other->items[k].value, flag->value);
                                }
                        if (same || (side && has))
                                continue;
                        fact = fact_add(arena, list, fact_map(arena));
                        fact_set_string(arena, fact, "flag", flag->name);
                        fact_set_bool(arena, fact, "inManifest", !side);
                        fact_set_bool(arena, fact, "inProcess", side || has);
                        fact_set(arena, fact, STR("place"), fact_place(arena, flag->place));
                }
        }
}

static void make_frame(struct node *node, struct component *component) {
        struct arena *arena = node->arena;
        struct fact *fact = component->fact;

        fact_set_bool(arena, fact, "present", component->present);
        if (!component->present)
                return;
        fact_set_bool(arena, fact, "running", component->process != NULL);
        fact_set_string(arena, fact, "from", str_from(component->from));
        fact_set(arena, fact, STR("place"), fact_place(arena, component->place));
        fact_set(arena, fact, STR("version"), version_of(node, component));
        if (component->process)
                fact_set(arena, fact, STR("process"), process_fact(node, component->process));
        if (component->manifest.count > 0)
                fact_set(arena, fact, STR("manifest"),
                         node_file(node, component->manifest.path, "manifest"));
        if (component->has_unit && component->unit.path.len > 0) {
                struct fact *list;

                fact_set(arena, fact, STR("unit"), node_file(node, component->unit.path, "unit"));
                list = fact_set(arena, fact, STR("unitDropIns"), fact_list(arena));
                for (size_t i = 0; i < component->unit.drop_in_count; i++)
                        fact_add(arena, list,
                                 node_file(node, component->unit.drop_ins[i], "unit drop-in"));
        }
        fact_set(arena, fact, STR("flags"), flags_fact(node, &component->flags));
        add_drift(node, component);
}

void component_find(struct node *node, struct component *component) {
        component->inside.fd = -1;
        component->fact =
                fact_set(node->arena, node->facts, str_from(component->key), fact_map(node->arena));
        if (!find_static(node, component))
                find_unit(node, component);
        find_process(node, component);
        if (component->process && component->manifest.count == 0) {
                component->from = component->has_unit          ? "systemd"
                                  : component->process->is_pod ? "daemonset"
                                                               : "process";
                take_process_words(node, component);
                enter(node, component);
        }
        if (component->words.count == 0 && embedded_find(node, component))
                component->from = "embedded";
        component->present = component->words.count > 0 &&
                             (component->process || component->manifest.count > 0 ||
                              strcmp(component->from, "embedded") == 0 || !node->has_proc ||
                              unit_is_enabled(node, component->unit.name));
        flags_parse(node->arena, &component->words, component->first, component->settings,
                    component->setting_count, &component->flags);
        if (!component->present && node->unreadable_pods.len > 0 &&
            !str_eq(str_from(component->key), STR("kubelet"))) {
                *component->fact =
                        *fact_unknown(node->arena, node->unreadable_pods, (struct place){ 0 });
                return;
        }
        make_frame(node, component);
}

void component_settings(struct node *node, struct component *component, const struct layer *layers,
                        size_t count, struct str unknown) {
        struct settings_input input = { .settings = component->settings,
                                        .count = component->setting_count,
                                        .flags = &component->flags,
                                        .layers = layers,
                                        .layer_count = count,
                                        .place = component->place,
                                        .unknown = unknown };

        if (!component->map)
                component->map = fact_set(node->arena, component->fact, STR("settings"),
                                          fact_map(node->arena));
        settings_fill(node, &input, component->map);
}

static bool may_hold_certificates(struct str name) {
        return str_find(name, STR("cert"), 0) >= 0 || str_find(name, STR("ca-file"), 0) >= 0 ||
               str_find(name, STR("cafile"), 0) >= 0 || str_find(name, STR("certificate"), 0) >= 0;
}

static void add_file(struct node *node, struct component *component, const char *purpose,
                     struct str path, const struct fact *setting, struct fact *files,
                     struct fact *certificates) {
        const struct root *root = component_root(node, component);
        struct fact *file;

        if (path.len == 0 || path.ptr[0] != '/' || files->count >= NODE_FILES_MAX)
                return;
        file = fact_add(node->arena, files, node_file_in(node, root, path, purpose));
        fact_set(node->arena, file, STR("namedPlace"), fact_get(setting, "place"));
        if (may_hold_certificates(str_from(purpose)) &&
            fact_value_bool(fact_get(file, "exists"), false))
                certificates_read(node, root, path, purpose, certificates);
}

static const struct fact *find_field(const struct fact *map, const char *field) {
        struct str rest = str_from(field), part;
        char name[100];

        while (map && str_split(&rest, '.', &part)) {
                snprintf(name, sizeof name, "%.*s", STR_ARG(part));
                map = fact_get(map, name);
        }
        return map;
}

void component_files(struct node *node, struct component *component) {
        struct arena *arena = node->arena;
        struct fact *files = fact_set(arena, component->fact, STR("files"), fact_list(arena));
        struct fact *certificates =
                fact_set(arena, component->fact, STR("certificates"), fact_list(arena));

        for (size_t i = 0; i < component->setting_count; i++) {
                const struct setting *setting = &component->settings[i];
                const struct fact *fact = find_field(component->map, setting->field);
                const char *purpose = setting->flag ? setting->flag : setting->field;
                const struct fact *value = fact_value(fact);

                if (!value)
                        continue;
                if (setting->type == SETTING_FILE && value->kind == FACT_STRING)
                        add_file(node, component, purpose, value->string, fact, files,
                                 certificates);
                if (setting->type == SETTING_FILES && value->kind == FACT_LIST)
                        for (const struct fact_member *m = value->first; m; m = m->next)
                                add_file(node, component, purpose, fact_value_text(m->value), fact,
                                         files, certificates);
        }
}
