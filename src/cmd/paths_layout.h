/*
 * The paths to one target as a tree that a person reads from left to right.
 *
 * Every start has one best way on, so the best ways of all starts are a tree whose root is the
 * target, on the right. A *station* is what an attacker holds between two attacks; structure in
 * between is left out (of an identity with a role: the identity, with the role as a note; of any
 * pod of a namespace: the container that the path goes on from). Stations of one kind and namespace
 * that go on in the same way are one box, so that a picture grows with what is different, not with
 * replicas. Leaves of the tree are rows; a box stands in the middle of those before it, so that no
 * lines cross.
 */
#pragma once

#include "cmd/paths.h"

struct paths_box {
        uint32_t next;     /* the box on the right; UINT32_MAX: this is the target */
        uint32_t edge;     /* the attack that leads there (of one of its members) */
        uint32_t vertex;   /* the first member */
        struct str note;   /* "ClusterRole agent"; may be empty */
        struct str *names; /* of its members, each once */
        size_t name_count, name_capacity;
        size_t starts; /* members that are starts */
        bool exposed;
        uint32_t column;   /* 0: the target */
        uint32_t children; /* boxes that lead here */
        double y, height;  /* set by the layout, in pixels */
};

struct paths_tree {
        struct paths_box *items; /* the first is the target */
        size_t count, capacity;
        uint32_t columns;
        size_t reaching; /* starts that get there */
        size_t left_out; /* starts beyond the limit of boxes */
        double height;
};

enum { PATHS_BOXES_MAX = 600, PATHS_NAMES_SHOWN = 5 };

/* The tree of target number I of PICTURE, in ARENA. */
void paths_tree_make(struct arena *arena, const struct paths_picture *picture, size_t i,
                     struct paths_tree *ret);
