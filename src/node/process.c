/*
 * Processes, as /proc tells of them. They come and go while they are looked at: one that is gone is
 * none.
 */
#include "node/private.h"

void process_words(struct arena *arena, struct str text, struct place place, struct words *ret) {
        bool title = text.len > 0 && !memchr(text.ptr, '\0', text.len - 1);
        char separator = title && memchr(text.ptr, ' ', text.len) ? ' ' : '\0';
        struct str rest = text, part;

        if (text.len > 0 && text.ptr[text.len - 1] == '\0')
                rest.len--;
        while (ret->count < NODE_WORDS_MAX && str_split(&rest, separator, &part)) {
                if (separator == ' ' && part.len == 0)
                        continue;
                *vec_push_in(arena, ret) = (struct word){ part, place, "flag" };
        }
}

static struct str status_field(struct str text, struct str name) {
        struct str line;

        while (str_split(&text, '\n', &line))
                if (str_starts(line, name))
                        return str_trim(str_slice(line, name.len, line.len));
        return STR("");
}

static bool in_pod(struct node *node, unsigned pid, struct buf *buf) {
        struct str path = arena_printf(node->arena, "/proc/%u/cgroup", pid);

        if (root_read(&node->root, path, 65536, buf) < 0)
                return false;
        return str_find(buf_str(buf), STR("kubepods"), 0) >= 0 ||
               str_find(buf_str(buf), STR("/docker"), 0) >= 0 ||
               str_find(buf_str(buf), STR("cri-containerd"), 0) >= 0 ||
               str_find(buf_str(buf), STR("crio-"), 0) >= 0 ||
               str_find(buf_str(buf), STR("libpod"), 0) >= 0;
}

static bool read_status(struct node *node, struct process_info *process, struct buf *buf) {
        struct str path = arena_printf(node->arena, "/proc/%u/status", process->pid), uid, part;
        int64_t parent;

        if (root_read(&node->root, path, 65536, buf) < 0)
                return false;
        process->name = arena_str(node->arena, status_field(buf_str(buf), STR("Name:")));
        if (node_int(status_field(buf_str(buf), STR("PPid:")), &parent))
                process->parent = (unsigned)parent;
        /* real, effective, saved, file system: the effective one counts */
        uid = status_field(buf_str(buf), STR("Uid:"));
        process->uid = -1;
        for (int i = 0; i < 2 && str_split(&uid, '\t', &part); i++)
                if (!node_int(part, &process->uid))
                        process->uid = -1;
        return true;
}

static void read_process(struct node *node, unsigned pid, struct buf *buf) {
        struct str path = arena_printf(node->arena, "/proc/%u/cmdline", pid);
        struct process_info process = { .pid = pid };

        if (root_read(&node->root, path, NODE_CMDLINE_MAX, buf) < 0 || buf->len == 0)
                return;
        process_words(node->arena, arena_str(node->arena, buf_str(buf)),
                      (struct place){ path, 1, 1 }, &process.words);
        if (process.words.count == 0 || !read_status(node, &process, buf))
                return;
        *vec_push_in(node->arena, &node->processes) = process;
}

static int by_pid(const void *a, const void *b) {
        unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

        return x < y ? -1 : x > y;
}

void processes_read(struct node *node) {
        struct buf buf _cleanup_(buf_free) = BUF_INIT;
        struct root_names names = { 0 };
        struct arena scratch _cleanup_(arena_free) = ARENA_INIT;
        VEC(unsigned) pids = { 0 };
        int64_t pid;
        int r = root_list(&node->root, STR("/proc"), &scratch, &names);

        /* an image has none */
        if (r < 0 && r != -ENOENT)
                node_gap(node, "processes", STR("/proc"), node_error_text(node, r), "processes");
        for (size_t i = 0; i < names.count; i++)
                if (node_int(names.items[i], &pid) && pid > 0 && pid < 1 << 30)
                        *vec_push(&pids) = (unsigned)pid;
        if (pids.count > 1)
                qsort(pids.items, pids.count, sizeof *pids.items, by_pid);
        for (size_t i = 0; i < pids.count && i < NODE_PROCESSES_MAX; i++)
                read_process(node, pids.items[i], &buf);
        for (size_t i = 0; i < node->processes.count; i++)
                node->processes.items[i].is_pod = in_pod(node, node->processes.items[i].pid, &buf);
        node->has_proc = node->processes.count > 0;
        vec_free(&pids);
}

int process_environment(struct node *node, const struct process_info *process, struct str *ret) {
        struct str path = arena_printf(node->arena, "/proc/%u/environ", process->pid);

        return node_read(node, &node->root, path, "environment of a process", "", ret);
}

struct fact *process_fact(struct node *node, const struct process_info *process) {
        struct arena *arena = node->arena;
        struct fact *fact = fact_map(arena);
        struct str exe = STR("");

        if (root_readlink(&node->root, arena_printf(arena, "/proc/%u/exe", process->pid), arena,
                          &exe) < 0)
                exe = process->words.items[0].text;
        fact_set_int(arena, fact, "pid", process->pid);
        fact_set_string(arena, fact, "name", process->name);
        fact_set_string(arena, fact, "exe", exe);
        fact_set_string(arena, fact, "user", users_name(&node->users, process->uid));
        fact_set_int(arena, fact, "uid", process->uid);
        fact_set_bool(arena, fact, "container", process->is_pod);
        return fact;
}
