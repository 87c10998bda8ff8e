/*
 * The files of a scan: what the paths on the command line stand for.
 *
 * Folders are searched for .yaml, .yml and .json; hidden folders and what `.redoubtignore` names
 * are left out. A file that is named itself is read whatever it is called. "-" is standard input.
 * The same paths may be looked at as they were in a revision of git.
 */
#pragma once

#include "finding/finding.h"

struct input_file {
        struct str path;     /* "<stdin>" for standard input, "REVISION:path" for a file of git */
        struct str relative; /* the part of it below the folder that was named; empty where the file
                                was named itself */
        uint64_t size;
        bool named;      /* on the command line itself, not found in a folder */
        bool in_chart;   /* below the templates folder of a Helm chart */
        struct str text; /* what standard input or git held; NULL for files */
};

/* A list of a cluster: one that was read, or one that could not be. */
struct input_gap {
        struct str group, version, kind, resource;
        bool namespaced, metadata_only;
        struct str scope;  /* "any namespace", "the cluster", or a namespace */
        struct str reason; /* why it could not be read; of one that was, its resourceVersion */
};

struct input_list {
        struct arena arena;
        VEC(struct input_file) files;
        VEC(struct diagnostic) problems;   /* folders and links that could not be read */
        VEC(struct input_gap) lists, gaps; /* of clusters: what was read, and what could not be */
        struct str server;                 /* of the cluster, of a snapshot; may be empty */
        size_t ignored;                    /* files and folders left out by .redoubtignore */
        size_t file_limit; /* bytes that standard input may have; set by the caller */
};

/* Adds what PATH stands for. Returns 0 or a negative errno with ERROR where PATH itself cannot be
 * looked at. */
int input_add(struct input_list *list, const char *path, struct error *error);

/* Adds what PATH held in REVISION of the git repository that it lies in: nothing where it was not
 * there yet. Runs git, so it has to come before the process confines itself. What is left out now
 * (.redoubtignore) is left out of the revision, too. Returns 0, -ENOENT where REVISION is none or
 * PATH is in no repository, or what else went wrong with running git. */
int input_add_revision(struct input_list *list, const char *path, const char *revision,
                       struct error *error);

/* Adds a file that is called PATH and holds TEXT, both copied. */
void input_add_text(struct input_list *list, struct str path, struct str text);

void input_free(struct input_list *list);
