/*
 * The steps that annotations of rules name.
 */
#include <errno.h>

#include "base/util.h"
#include "harden/private.h"

#define SYSCTL_FILE "/etc/sysctl.d/99-redoubt.conf"
#define SSHD_FILE "/etc/ssh/sshd_config"

struct step {
        struct harden_plan *plan;
        struct str rule;
        const struct str *paths;
        size_t path_count;
        struct str rest; /* of the line */
        struct error *error;
};

static struct str next_word(struct step *step) {
        struct str word;

        step->rest = str_trim(step->rest);
        if (!str_split(&step->rest, ' ', &word))
                return STR("");
        return word;
}

static int by_hand(struct step *step, const char *why) {
        return error_set(step->error, -ENOTSUP, "%s", why);
}

/* A file that cannot be looked at or changed is left to people, with the reason. */
static int checked(struct step *step, int r, struct str path) {
        if (r == -ENOTSUP)
                return error_set(step->error, r, "%.*s is a link, or no regular file",
                                 STR_ARG(path));
        return r < 0 ? error_set(step->error, r, "%.*s: %s", STR_ARG(path), strerror(-r)) : 0;
}

static void note_rule(struct step *step, struct harden_file *file) {
        for (size_t i = 0; i < file->rules.count; i++)
                if (str_eq(file->rules.items[i], step->rule))
                        return;
        *vec_push(&file->rules) = step->rule;
}

static struct str text_of(const struct doc_node *map, const char *key) {
        return doc_string(doc_get(map, str_from(key)), STR(""));
}

/* The value below ROOT at the way FIELD ("a.b.c"). */
static const struct doc_node *at(const struct doc_node *root, struct str field) {
        struct str key;

        while (root && str_split(&field, '.', &key))
                root = doc_get(root, key);
        return root;
}

/* --- the kubelet --- */

/* The file that decides SETTING: where it is written, else the configuration file. */
static struct str kubelet_file(struct step *step, const struct doc_node *setting) {
        const struct doc_node *kubelet = doc_get(step->plan->facts, STR("kubelet"));
        struct str source = text_of(setting, "source");

        if (str_eq(source, STR("config")) || str_eq(source, STR("drop-in")))
                return text_of(doc_get(setting, STR("place")), "file");
        return text_of(doc_get(kubelet, STR("configFile")), "path");
}

static int step_kubelet(struct step *step) {
        struct str field = next_word(step), value = str_trim(step->rest), path, text;
        const struct doc_node *config = doc_find(step->plan->facts, "kubelet", "config");
        const struct doc_node *setting = at(config, field);
        struct harden_file *file;
        int r;

        if (str_eq(text_of(setting, "source"), STR("flag")))
                return by_hand(step, "a flag of the kubelet decides it");
        path = kubelet_file(step, setting);
        if (path.len == 0)
                return by_hand(step, "the kubelet has no configuration file");
        r = checked(step, plan_text(step->plan, path, false, &file), path);
        if (r >= 0)
                r = edit_set_field(&step->plan->arena, path, file->after, field, value, &text,
                                   step->error);
        if (r < 0)
                return r;
        file->after = text;
        note_rule(step, file);
        plan_command(step->plan, STR("systemctl restart kubelet"));
        return 0;
}

/* --- flags of the control plane --- */

static struct str program_of(struct str component) {
        static const char *const programs[][2] = {
                { "apiServer", "kube-apiserver" },
                { "controllerManager", "kube-controller-manager" },
                { "scheduler", "kube-scheduler" },
                { "etcd", "etcd" },
        };

        for (size_t i = 0; i < ELEMENTS(programs); i++)
                if (str_eq(component, str_from(programs[i][0])))
                        return str_from(programs[i][1]);
        return STR("");
}

static int step_flag(struct step *step, enum edit_flag what) {
        struct str component = next_word(step), name = next_word(step),
                   value = str_trim(step->rest), text;
        const struct doc_node *facts = doc_get(step->plan->facts, component);
        struct str path = text_of(doc_get(facts, STR("manifest")), "path");
        struct harden_file *file;
        int r;

        if (path.len == 0)
                return by_hand(step, "it does not run as a static pod");
        r = checked(step, plan_text(step->plan, path, false, &file), path);
        if (r >= 0)
                r = edit_flag(&step->plan->arena, path, file->after, program_of(component), what,
                              name, value, &text, step->error);
        if (r < 0)
                return r;
        file->after = text;
        note_rule(step, file);
        plan_command(step->plan,
                     arena_printf(&step->plan->arena,
                                  "# the kubelet restarts %.*s when its manifest changes",
                                  STR_ARG(program_of(component))));
        return 0;
}

/* --- the host --- */

static int step_sysctl(struct step *step) {
        struct str name = next_word(step), value = str_trim(step->rest);
        struct harden_file *file;
        int r = checked(step, plan_text(step->plan, STR(SYSCTL_FILE), true, &file),
                        STR(SYSCTL_FILE));

        if (r < 0)
                return r;
        file->after = edit_sysctl(&step->plan->arena, file->after, name, value);
        note_rule(step, file);
        plan_command(step->plan, STR("sysctl --system"));
        return 0;
}

static int step_sshd(struct step *step) {
        struct str option = next_word(step), value = str_trim(step->rest);
        const struct doc_node *sshd = doc_find(step->plan->facts, "host", "sshd");
        struct str path = text_of(doc_get(sshd, STR("file")), "path");
        struct harden_file *file;
        int r;

        if (path.len == 0)
                path = STR(SSHD_FILE);
        r = checked(step, plan_text(step->plan, path, false, &file), path);
        if (r < 0)
                return r;
        file->after = edit_sshd(&step->plan->arena, file->after, option, value);
        note_rule(step, file);
        plan_command(step->plan, STR("sshd -t && systemctl reload ssh"));
        return 0;
}

/* --- modes and owners --- */

static int step_mode(struct step *step) {
        struct str bits = next_word(step);
        mode_t allowed = 0;

        for (size_t i = 0; i < bits.len && allowed <= 07777; i++) {
                if (bits.ptr[i] < '0' || bits.ptr[i] > '7')
                        return error_set(step->error, -EINVAL, "\"%.*s\" is no mode",
                                         STR_ARG(bits));
                allowed = allowed * 8 + (mode_t)(bits.ptr[i] - '0');
        }

        if (step->path_count == 0)
                return by_hand(step, "the finding names no file");
        for (size_t i = 0; i < step->path_count; i++) {
                struct harden_file *file;
                int r = checked(step, plan_file(step->plan, step->paths[i], false, &file),
                                step->paths[i]);

                if (r < 0)
                        return r;
                file->new_mode = file->new_mode & allowed;
                note_rule(step, file);
        }
        return 0;
}

static int step_owner(struct step *step) {
        if (step->path_count == 0)
                return by_hand(step, "the finding names no file");
        for (size_t i = 0; i < step->path_count; i++) {
                struct harden_file *file;
                int r = checked(step, plan_file(step->plan, step->paths[i], false, &file),
                                step->paths[i]);

                if (r < 0)
                        return r;
                file->new_uid = 0;
                file->new_gid = 0;
                note_rule(step, file);
        }
        return 0;
}

int step_add(struct harden_plan *plan, struct str rule, struct str line, const struct str *paths,
             size_t count, struct error *error) {
        struct step step = { plan, rule, paths, count, line, error };
        struct str word = next_word(&step);

        if (str_eq(word, STR("kubelet")))
                return step_kubelet(&step);
        if (str_eq(word, STR("flag")))
                return step_flag(&step, EDIT_FLAG_SET);
        if (str_eq(word, STR("flag+")))
                return step_flag(&step, EDIT_FLAG_ADD);
        if (str_eq(word, STR("flag-")))
                return step_flag(&step, EDIT_FLAG_DROP);
        if (str_eq(word, STR("sysctl")))
                return step_sysctl(&step);
        if (str_eq(word, STR("sshd")))
                return step_sshd(&step);
        if (str_eq(word, STR("mode")))
                return step_mode(&step);
        if (str_eq(word, STR("owner")))
                return step_owner(&step);
        return error_set(error, -EINVAL, "\"%.*s\" is no step", STR_ARG(word));
}
