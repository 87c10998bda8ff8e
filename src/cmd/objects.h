/*
 * Objects of manifests, files that cluster_open wrote, and snapshots: read for verbs that want them
 * one after the other.
 */
#pragma once

#include "cmd/command.h"
#include "inventory/files.h"
#include "inventory/resource.h"

/* RESOURCE of FILE lives only for the call. Of Secrets of a cluster it has only the metadata
 * (resource->metadata_only). */
typedef void object_fn(void *userdata, struct str file, const struct resource *resource);

/* Opens the COUNT PATHS (the folder at hand where there are none). */
int objects_open(struct command_context *context, const struct option_strings *paths,
                 struct input_list *ret);

/* Calls EACH for every object of INPUTS; those that name no namespace go where kubectl would put
 * them. What cannot be read is told on standard error. Returns whether all of it could be. */
bool objects_read(const struct input_list *inputs, object_fn *each, void *userdata);

/* ROOT, a document of FILE that is no Kubernetes object, lives only for the call. */
typedef void object_foreign_fn(void *userdata, struct str file, const struct doc_node *root);

/* The same, and calls FOREIGN for every document that is no object. */
bool objects_read_all(const struct input_list *inputs, object_fn *each, object_foreign_fn *foreign,
                      void *userdata);

/* Tells a problem about the input on standard error. */
void objects_tell(struct str file, struct doc_pos pos, struct str message);
