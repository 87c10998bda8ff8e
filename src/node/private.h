/*
 * What the collectors share. Private to src/node.
 */
#pragma once

#include "base/util.h"
#include "base/vec.h"
#include "node/fact.h"
#include "node/node.h"
#include "node/root.h"

enum {
        NODE_PROCESSES_MAX = 32768,
        NODE_CMDLINE_MAX = 256 << 10,
        NODE_CERTIFICATES_MAX = 256, /* of one file */
        NODE_FILES_MAX = 2000,       /* that one collector tells of */
        NODE_WORDS_MAX = 4096,       /* of one command line */
};

/* A word of a command line. */
struct word {
        struct str text;
        struct place place;
        const char *source; /* flag, environment */
};
struct words {
        struct word *items;
        size_t count, capacity;
};

/* users.c: /etc/passwd and /etc/group. */
struct user {
        struct str name, home, shell, gecos;
        int64_t uid, gid;
        uint32_t line;
};
struct group {
        struct str name, members; /* separated by commas */
        int64_t gid;
        uint32_t line;
};
struct users {
        VEC(struct user) users;
        VEC(struct group) groups;
        int error; /* /etc/passwd could not be read */
        int group_error;
};

/* process.c */
struct process_info {
        unsigned pid, parent;
        int64_t uid;
        struct str name;    /* comm */
        struct words words; /* of the command line */
        bool is_pod;        /* in a cgroup of a pod or container */
};

/* NAME=VALUE, of the environment. */
struct variable {
        struct str name, value;
        struct place place;
};
struct variables {
        struct variable *items;
        size_t count, capacity;
};

/* packages.c */
struct package {
        struct str name, version;
        struct place place;
};

/* unit.c: a directive of a unit file. */
struct directive {
        struct str section, key, value;
        struct place place;
};
struct unit {
        struct str name, path; /* path empty: only drop-ins */
        struct str *drop_ins;
        size_t drop_in_count;
        VEC(struct directive) directives;
};

/* The documents of a YAML or JSON file. */
struct yaml {
        struct str path;
        const struct doc_node **items; /* their roots */
        size_t count, capacity;
        struct str why; /* it could not be read */
};

struct node {
        const struct node_options *options;
        struct arena *arena;
        struct root root;
        struct fact *facts, *gaps;
        struct users users;
        VEC(struct process_info) processes;
        bool has_proc;
        const char *layout;
        int minor;                  /* of Kubernetes; 0: not known */
        VEC(struct yaml) manifests; /* of static pods */
        bool has_manifests;         /* they were looked for */
        struct str static_pod_path; /* of the kubelet; empty: not known */
        struct str unreadable_pods; /* why a folder of static pods could not be read */
        VEC(struct package) packages;
        const char *package_manager; /* dpkg, apk, rpm; "": none that is known */
        struct str package_database;
        struct fact *api_server, *kubelet; /* their facts */
};

/* --- common.c --- */

/* What R means for FILE in plain words. */
struct str node_error_text(struct node *node, int r);

/* Lists a gap. FACTS: the paths of facts, separated by spaces. */
void node_gap(struct node *node, const char *what, struct str path, struct str error,
              const char *facts);

/* The text of PATH in the arena. A gap (but for -ENOENT), named by WHAT and FACTS, where it cannot
 * be read. */
int node_read(struct node *node, const struct root *root, struct str path, const char *what,
              const char *facts, struct str *ret);

/* The YAML or JSON of PATH. */
int node_yaml(struct node *node, const struct root *root, struct str path, const char *what,
              const char *facts, struct yaml *ret);

/* The facts of a file. */
struct fact *node_file(struct node *node, struct str path, const char *purpose);
struct fact *node_file_in(struct node *node, const struct root *root, struct str path,
                          const char *purpose);

/* Where NODE is written, in the file PATH. */
struct place node_place(struct str path, const struct doc_node *node);

/* PATH itself where it is absolute, else below FOLDER. */
struct str node_path(struct node *node, struct str folder, struct str path);
struct str node_dirname(struct str path);
struct str node_basename(struct str path);
/* A, a slash, B. */
struct str node_join(struct node *node, struct str a, struct str b);

/* The numbers in "v1.33.2-x": returns false where there are none. */
bool node_version(struct str text, int *ret_major, int *ret_minor);

/* sha256:... of TEXT, cut to 16 digits: what stands for a secret. */
struct str node_fingerprint(struct node *node, struct str text);

/* Whether TEXT is a Go boolean. */
bool node_bool(struct str text, bool *ret);
bool node_int(struct str text, int64_t *ret);
/* Go's durations, "1h30m", in seconds. */
bool node_duration(struct str text, double *ret);

/* --- users.c --- */
void users_read(struct node *node);
struct str users_name(const struct users *users, int64_t uid);
struct str users_group(const struct users *users, int64_t gid);

/* The name of UID in the /etc/passwd of ROOT, which a container has of its own, and its line. 0,
 * -ENOENT where it has none, or why it cannot be read. */
int users_name_in(struct node *node, const struct root *root, int64_t uid, struct str *ret,
                  uint32_t *ret_line);

/* --- process.c --- */
void processes_read(struct node *node);

/* Splits /proc/PID/cmdline, whose words end with NUL. A title that a process gave itself (no NUL
 * but at the end) is split at spaces. */
void process_words(struct arena *arena, struct str text, struct place place, struct words *ret);

/* The environment of a process: the value of NAME. 0, -ENOENT where it is not set. */
int process_environment(struct node *node, const struct process_info *process, struct str *ret);
struct fact *process_fact(struct node *node, const struct process_info *process);

/* --- unit.c --- */

/* Reads one unit file or drop-in, TEXT, into UNIT. */
void unit_parse(struct arena *arena, struct str path, struct str text, struct unit *unit);

/* The unit NAME with its drop-ins. -ENOENT where there is none. */
int unit_read(struct node *node, struct str name, struct unit *ret);

/* Whether some target wants the unit NAME. */
bool unit_is_enabled(struct node *node, struct str name);

/* The last value of KEY in [SECTION]; NULL where there is none. */
const struct directive *unit_get(const struct unit *unit, const char *section, const char *key);

/* Its variables: files win over Environment=, the last of equal names wins. */
void unit_environment(struct node *node, const struct unit *unit, struct variables *ret);

/* The words of ExecStart, with the variables of Environment and EnvironmentFile. */
void unit_command(struct node *node, const struct unit *unit, struct words *ret);

/* Splits TEXT as systemd splits values: quotes, C escapes. */
void unit_split(struct arena *arena, struct str text, struct place place, struct words *ret);

/* Reads lines NAME=VALUE as EnvironmentFile does. */
void unit_variables(struct arena *arena, struct str path, struct str text, struct variables *ret);

/* --- command.c --- */
struct flag {
        struct str name, value; /* without dashes; "true" for a flag without value */
        struct place place;
        const char *source;
};
struct flags {
        struct flag *items;
        size_t count, capacity;
};

enum setting_type {
        SETTING_BOOL,
        SETTING_INT,
        SETTING_NUMBER,
        SETTING_DURATION,
        SETTING_STRING,
        SETTING_FILE,   /* a string that names a file or folder */
        SETTING_LIST,   /* of strings */
        SETTING_FILES,  /* a list of names of files */
        SETTING_MAP,    /* of strings */
        SETTING_GATES,  /* a map of booleans */
        SETTING_LITERAL /* whatever the document has: lists and maps */
};

/* One setting of a component. */
struct setting {
        const char *field; /* "authentication.anonymous.enabled" */
        const char *flag;  /* "anonymous-auth"; NULL: none */
        enum setting_type type;
        const char *fallback; /* the default, as text; NULL: the zero of the type */
        bool zero_is_unset;   /* a zero in the file gives the default */
        uint8_t since;        /* minor version in which the field came; 0: always */
        uint8_t changed;      /* since this minor version the default is the next; 0: never */
        const char *now;
        const char *variable; /* of the environment; NULL: none */
};

/* Reads flags as Go's flag packages do: --name=value, --name value, -name. SETTINGS tell which are
 * booleans. What does not begin with a dash is passed over; "--" ends. */
void flags_parse(struct arena *arena, const struct words *words, size_t first,
                 const struct setting *settings, size_t count, struct flags *ret);

/* The last flag NAME, or NULL. */
const struct flag *flags_get(const struct flags *flags, const char *name);

/* All flags, as facts. */
struct fact *flags_fact(struct node *node, const struct flags *flags);

/* TEXT as a value of TYPE, or NULL where it is none. */
struct fact *setting_value(struct arena *arena, enum setting_type type, struct str text);

/* A document that settings are read from; a later layer wins. */
struct layer {
        const struct doc_node *root;
        struct str path;
        const char *source;
};
struct settings_input {
        const struct setting *settings;
        size_t count;
        const struct flags *flags;
        const struct layer *layers;
        size_t layer_count;
        const struct variables *environment;
        const char *environment_prefix; /* NULL: variables are not looked at */
        struct place place;             /* of defaults */
        struct str unknown; /* not empty: what is not decided by a flag is unknown, because */
};
/* Fills MAP with every setting. */
void settings_fill(struct node *node, const struct settings_input *input, struct fact *map);

/* --- component.c --- */
struct component {
        const char *name;      /* kube-apiserver */
        const char *unit_name; /* docker.service; NULL: made of the name */
        const char *key;       /* apiServer: in the facts */
        const struct setting *settings;
        size_t setting_count;

        bool present;
        const char *from;
        const struct process_info *process; /* NULL: not running */
        struct yaml manifest;
        const struct doc_node *pod, *container;
        struct unit unit;
        bool has_unit;
        struct words words;
        size_t first; /* word behind the name of the program */
        struct flags flags;
        struct variables environment;
        struct place place;
        struct fact *fact, *map; /* fact: the component; map: its settings */
        struct root inside;      /* the root that its files are named in; fd -1: that of the node */
};

/* Finds COMPONENT (name, key, settings filled) in static pods, units and processes, and makes its
 * frame of facts with all settings, files and certificates. */
void component_find(struct node *node, struct component *component);
void component_settings(struct node *node, struct component *component, const struct layer *layers,
                        size_t count, struct str unknown);
void component_files(struct node *node, struct component *component);
const struct root *component_root(const struct node *node, const struct component *component);

/* Whether WORD is the path of program NAME. */
bool is_program(struct str word, const char *name);

/* embedded.c: the words of COMPONENT where another process contains or starts it. */
bool embedded_find(struct node *node, struct component *component);

/* --- certificate.c --- */

/* The certificates in file PATH, appended to LIST. What is no PEM file of certificates adds none.
 */
void certificates_read(struct node *node, const struct root *root, struct str path,
                       const char *purpose, struct fact *list);
/* Those in TEXT, which is PEM, or, with BINARY, DER. */
void certificates_parse(struct node *node, struct str text, struct place place, const char *purpose,
                        struct fact *list);
/* What kind of private key TEXT holds: "RSA PRIVATE KEY"; empty: none. */
struct str private_key_kind(struct str text, bool *ret_encrypted);

/* kubeconfig.c: facts of a kubeconfig, without what is secret in it. */
struct fact *kubeconfig_fact(struct node *node, const struct root *root, struct str path,
                             const char *name);

/* --- the collectors; each sets its part of node->facts --- */
void version_collect(struct node *node);
void kubelet_collect(struct node *node);
void api_server_collect(struct node *node);
void controllers_collect(struct node *node);
void etcd_collect(struct node *node);
void proxy_collect(struct node *node);
void cni_collect(struct node *node);
void pki_collect(struct node *node);
void runtime_collect(struct node *node);
void host_collect(struct node *node);
/* After the others: it asks whom they found. */
void probe_collect(struct node *node);
