/*
 * How the values of a structure are merged. Private to src/kube.
 *
 * Structured merge knows three shapes of values: maps, scalars and lists. A structure may allow
 * several; which of them is meant depends on the value (kube-openapi, pkg/schemaconv).
 */
#pragma once

#include "base/buf.h"
#include "kube/structure.h"

enum atom {
        ATOM_MAP = 1,
        ATOM_SCALAR = 2,
        ATOM_LIST = 4,
        ATOM_ANY = ATOM_MAP | ATOM_SCALAR | ATOM_LIST
};

enum scalar { SCALAR_ANY, SCALAR_STRING, SCALAR_NUMBER, SCALAR_BOOLEAN };

/* TYPE, or what stands for it: a value without structure, or one that is merged as a whole. */
const struct structure *atom_type(const struct structure *type);

/* The shape of VALUE (may be NULL) in TYPE; of several that are possible the first. */
enum atom atom_of(const struct structure *type, const struct doc_node *value);

/* What a scalar of TYPE must be. */
enum scalar atom_scalar(const struct structure *type);

/* Whether maps, or lists, of TYPE are replaced as a whole. */
bool atom_map_is_atomic(const struct structure *type);
bool atom_list_is_atomic(const struct structure *type);

/* The type of field NAME of a map of TYPE; NULL where TYPE has no such field. */
const struct structure *atom_field(const struct structure *type, struct str name);

/* The type of the items of a list of TYPE. */
const struct structure *atom_item(const struct structure *type);

/* Appends what ITEM of a set or of a list with keys goes by: `[name="web"]`. Returns NULL, or what
 * is wrong with ITEM, made in ARENA. */
const char *atom_add_key(struct buf *buf, struct arena *arena, const struct structure *type,
                         const struct doc_node *item);
