/*
 * What the files about container runtimes share. Private to src/node.
 */
#pragma once

#include "node/private.h"
#include "node/toml.h"

/* A configuration made of several TOML files: values of later ones come later. */
struct toml_files {
        struct toml toml;
        struct words origins; /* text: the file; place.line: the number of its first value + 1 */
        struct fact *files;   /* configFiles */
        struct str unknown;   /* why not all is known */
};

/* Reads PATH behind what is there. A file that does not exist is passed over; -ENOENT. */
int toml_files_read(struct node *node, const struct root *root, struct str path, const char *facts,
                    struct toml_files *ret);

/* Where VALUE of FILES is written. */
struct place toml_place(const struct toml_files *files, const struct toml_value *value);

/* A setting that one of KEYS (paths as for toml_get; the last NULL) decides. */
struct fact *toml_setting(struct node *node, const struct toml_files *files,
                          const char *const *keys, enum setting_type type, const char *fallback,
                          struct place place);

/* One runtime: its frame of facts. */
struct engine {
        const char *name;    /* containerd */
        const char *program; /* the process and unit */
        const char *unit;
        const char *const *packages; /* ends with NULL */
        struct component component;
        struct fact *fact, *settings;
        bool installed; /* there is a configuration or a package */
};

/* Finds the process, unit and package of ENGINE; appends its frame to LIST where it is there. */
bool engine_find(struct node *node, struct engine *engine, struct fact *list);
void engine_add_socket(struct node *node, struct engine *engine, struct str address,
                       const char *purpose);

void containerd_collect(struct node *node, struct fact *list);
void crio_collect(struct node *node, struct fact *list);
void docker_collect(struct node *node, struct fact *list);

/* packages.c: the version of the first of NAMES that is installed, as a setting; NULL: none is.
 * *RET_PATCHED: its distribution repairs without changing the version. */
struct fact *packages_version(struct node *node, const char *const *names, bool *ret_patched);

/* Known defects of COMPONENT in version VERSION. */
struct fact *advisories_of(struct node *node, const char *component, const struct fact *version,
                           bool patched);
/* Whether version A is before B: numbers part by part, a pre-release before its release. */
int version_compare(struct str a, struct str b);
