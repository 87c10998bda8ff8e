/*
 * Snapshots: the objects of a cluster in one file, to be judged elsewhere or later.
 *
 * A snapshot is a zstd stream of lines of JSON:
 *
 *     {"redoubt":"snapshot","version":2,"server":"https://..."}
 *     {"path":"cluster:shop/pods/web","object":{...}}            for each object
 *     {"list":{"resource":"pods",...,"resourceVersion":"71"}}    for each list that was read
 *     {"gap":{"resource":"secrets",...,"reason":"403 Forbidden"}}  and that could not be
 *     {"problem":"...","incomplete":true}                        for what else is to be told
 *     {"end":{"objects":255,"sha256":"..."}}                     of all bytes before this line
 *
 * Nothing of it is trusted when it is read: it is decompressed bit by bit, lines and objects have
 * bounds, and a file that was cut or changed is told.
 */
#pragma once

#include <stdio.h>

#include "inventory/cluster.h"
#include "inventory/files.h"

struct snapshot_writer;

/* A writer to FILE, which stays the caller's. */
struct snapshot_writer *snapshot_writer_new(FILE *file, struct str server);

/* Adds one object. Values of Secrets are replaced by placeholders, and so is what kubectl keeps of
 * them in annotations. */
void snapshot_writer_add(struct snapshot_writer *writer, struct str path,
                         const struct doc_node *object);

void snapshot_writer_add_problem(struct snapshot_writer *writer, struct str message,
                                 bool incomplete);

/* Adds the lists of LIST: those that were read and the gaps. */
void snapshot_writer_add_lists(struct snapshot_writer *writer, const struct input_list *list);

/* Ends the file and frees the writer. Returns the number of objects, or a negative errno where not
 * all of it could be written. */
int64_t snapshot_writer_end(struct snapshot_writer *writer);

/* Adds the objects of the snapshot PATH to LIST, as cluster_read does. What is wrong with the file
 * is among the problems of the list; an error only where it cannot be read or is no snapshot. */
int input_add_snapshot(struct input_list *list, const char *path, struct error *error);
