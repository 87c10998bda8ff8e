/*
 * What other verbs share with `redoubt scan`: a scan by some of the rules, with all its options.
 */
#pragma once

#include "cmd/cluster.h"
#include "cmd/rules.h"

struct scan_options;

/* What a verb made itself, to be judged beside or instead of files. */
struct scan_given {
        struct str title, text;
        const struct diagnostic *problems; /* what it could not read */
        size_t problem_count;
};

struct scan_arguments {
        struct rule_arguments rules;
        struct cluster_arguments cluster;
        struct option_strings outputs;   /* "json", "sarif=FILE" */
        struct option_strings old;       /* files, folders, git revisions */
        struct option_strings crds;      /* files, folders */
        struct option_strings manifests; /* files, folders: what is declared of a cluster */
        const char *undeclared;          /* a selector: what has to be */
        bool new_only, watch;
        bool brief, all;
        int fail_on;
        const char *namespace, *as;
        struct option_strings groups;
        bool as_submitted;
        int64_t threads;
        size_t max_file;
        int64_t max_depth, max_nodes, max_aliases, max_findings;
        bool no_sandbox;
        const struct scan_given *given; /* set by the verb; no option */
};

extern const struct option_spec scan_specs[];
extern const struct scan_arguments scan_defaults;

/* scan_watch.c: judges the cluster as it changes, until the user ends it. OPTIONS are those of
 * a scan, about the rules of WISH. */
int scan_watch(struct command_context *context, const struct scan_options *options,
               const struct cluster_wish *wish, const char *const *paths, size_t path_count);

/* Scans the paths in ARGV with the options of CONTEXT; by the rules about resource ABOUT of group
 * redoubt.io only, unless that is NULL. */
int scan_command(struct command_context *context, int argc, char **argv, const char *about);
