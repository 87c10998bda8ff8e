#include "cmd/paths_layout.h"

#include "base/util.h"

enum { BOX_LINE = 16, BOX_PADDING = 14, BOX_GAP = 10 };

/* A station of one path: what is held, and the attack that leads on. */
struct station {
        uint32_t vertex, edge;
        struct str note;
};

struct making {
        struct arena *arena;
        const struct graph *graph;
        struct paths_tree *tree;
        struct map boxes;   /* what makes a box one -> its number + 1 */
        struct map members; /* box and name */
};

static bool is_identity(const struct graph_vertex *vertex) {
        return vertex->kind == GRAPH_ACCOUNT || vertex->kind == GRAPH_USER ||
               vertex->kind == GRAPH_GROUP;
}

/* Takes the structure out of a path. Returns the number of stations; the last is the target. */
static size_t find_stations(struct making *making, uint32_t start, const uint32_t *edges,
                            size_t count, struct station *ret) {
        const struct graph *graph = making->graph;
        size_t used = 0;

        ret[used++] = (struct station){ .vertex = start, .edge = UINT32_MAX };
        for (size_t i = 0; i < count; i++) {
                const struct graph_edge *edge = &graph->edges.items[edges[i]];
                struct station *at = &ret[used - 1];

                if (graph_attacks[edge->attack].steps > 0) {
                        at->edge = edges[i];
                        ret[used++] = (struct station){ .vertex = edge->to, .edge = UINT32_MAX };
                } else if (is_identity(&graph->vertices.items[at->vertex])) {
                        at->note = graph_name(graph, making->arena, edge->to);
                } else {
                        at->vertex = edge->to;
                }
        }
        return used;
}

/* Containers go by their workloads: pods come and go. */
static struct str member_name(struct making *making, uint32_t number) {
        const struct graph_vertex *vertex = &making->graph->vertices.items[number];

        if (vertex->kind != GRAPH_CONTAINER && vertex->kind != GRAPH_POD)
                return graph_name(making->graph, making->arena, number);
        return vertex->part.len > 0 ? arena_printf(making->arena, "%.*s · %.*s",
                                                   STR_ARG(vertex->owner), STR_ARG(vertex->part))
                                    : vertex->owner;
}

static void add_member(struct making *making, uint32_t number, uint32_t vertex, bool start) {
        struct paths_box *box = &making->tree->items[number];
        struct str name = member_name(making, vertex);
        struct map_entry *entry = map_put(
                &making->members, arena_printf(making->arena, "%u %.*s", number, STR_ARG(name)));

        box->starts += start;
        box->exposed |= start && making->graph->vertices.items[vertex].exposed;
        if (entry->value)
                return;
        entry->value = making;
        box->names = vec_grow(box->names, box->name_count, &box->name_capacity, sizeof *box->names,
                              making->arena);
        box->names[box->name_count++] = name;
}

/* Things of a namespace whose names do not tell it have it as a note. */
static struct str note_of(struct making *making, const struct station *station) {
        const struct graph_vertex *vertex = &making->graph->vertices.items[station->vertex];

        if (station->note.len > 0 || vertex->namespace.len == 0 ||
            (vertex->kind != GRAPH_CONTAINER && vertex->kind != GRAPH_POD))
                return station->note;
        return arena_printf(making->arena, "namespace %.*s", STR_ARG(vertex->namespace));
}

/* The box of a station before box NEXT; UINT32_MAX where there are too many. */
static uint32_t box_of(struct making *making, const struct station *station, uint32_t next) {
        const struct graph_vertex *vertex = &making->graph->vertices.items[station->vertex];
        const struct graph_edge *edge = &making->graph->edges.items[station->edge];
        struct map_entry *entry;
        struct paths_box *box;

        entry = map_put(&making->boxes,
                        arena_printf(making->arena, "%u %u %u %d %zu %.*s %.*s", next, edge->attack,
                                     vertex->kind, vertex->exposed, vertex->namespace.len,
                                     STR_ARG(vertex->namespace), STR_ARG(station->note)));
        if (entry->value)
                return (uint32_t)(uintptr_t)entry->value - 1;
        if (making->tree->count == PATHS_BOXES_MAX)
                return UINT32_MAX;
        box = vec_push_in(making->arena, making->tree);
        *box = (struct paths_box){ .next = next,
                                   .edge = station->edge,
                                   .vertex = station->vertex,
                                   .note = note_of(making, station),
                                   .column = making->tree->items[next].column + 1 };
        making->tree->items[next].children++;
        making->tree->columns = MAX(making->tree->columns, box->column + 1);
        entry->value = (void *)(uintptr_t)making->tree->count;
        return (uint32_t)making->tree->count - 1;
}

static void add_path(struct making *making, uint32_t start, const uint32_t *edges, size_t count) {
        struct station *stations = arena_new_array(making->arena, count + 1, struct station);
        size_t used = find_stations(making, start, edges, count, stations);
        uint32_t box = 0;

        for (size_t i = used - 1; i-- > 0 && box != UINT32_MAX;) {
                box = box_of(making, &stations[i], box);
                if (box != UINT32_MAX)
                        add_member(making, box, stations[i].vertex, i == 0);
        }
        making->tree->reaching++;
        making->tree->left_out += box == UINT32_MAX;
}

/* --- places --- */

static double box_height(const struct paths_box *box) {
        size_t lines = MIN(box->name_count, (size_t)PATHS_NAMES_SHOWN);

        lines = MAX(lines, (size_t)1) + (box->name_count > PATHS_NAMES_SHOWN) + (box->note.len > 0);
        return (double)(lines * BOX_LINE + BOX_PADDING);
}

/* Children of each box, in the order in which boxes were made; rows are given to leaves from
 * above, and a box gets at least its own height. */
struct children {
        uint32_t *first, *next;
};

static double place(struct paths_tree *tree, const struct children *children, uint32_t number,
                    double top) {
        struct paths_box *box = &tree->items[number];
        double bottom = top;

        box->height = box_height(box);
        for (uint32_t child = children->first[number]; child != UINT32_MAX;
             child = children->next[child])
                bottom = place(tree, children, child, bottom);
        bottom = MAX(bottom, top + box->height + BOX_GAP);
        box->y = (top + bottom - BOX_GAP - box->height) / 2;
        return bottom;
}

static void place_all(struct arena *arena, struct paths_tree *tree) {
        struct children children = { arena_new_array(arena, tree->count, uint32_t),
                                     arena_new_array(arena, tree->count, uint32_t) };

        memset(children.first, 0xff, tree->count * sizeof *children.first);
        memset(children.next, 0xff, tree->count * sizeof *children.next);
        for (size_t i = tree->count; i-- > 1;) {
                uint32_t next = tree->items[i].next;

                children.next[i] = children.first[next];
                children.first[next] = (uint32_t)i;
        }
        /* A tree is as deep as a path is long: a few steps. */
        tree->height = place(tree, &children, 0, 0);
}

void paths_tree_make(struct arena *arena, const struct paths_picture *picture, size_t number,
                     struct paths_tree *ret) {
        struct making making = { .arena = arena, .graph = picture->graph, .tree = ret };
        const struct graph_search *search = &picture->searches[number];
        struct paths_box *target;

        *ret = (struct paths_tree){ .columns = 1 };
        target = vec_push_in(arena, ret);
        *target = (struct paths_box){ .next = UINT32_MAX,
                                      .edge = UINT32_MAX,
                                      .vertex = picture->targets[number].ends.items[0] };
        target->names = arena_new_array(arena, 1, struct str);
        target->names[target->name_count++] = picture->targets[number].name;
        for (size_t i = 0; i < picture->starts->count; i++) {
                uint32_t start = picture->starts->items[i], *edges;
                size_t count;

                if (search->steps[start] == GRAPH_FAR || search->steps[start] == 0)
                        continue;
                count = graph_path(picture->graph, search, arena, start, &edges);
                add_path(&making, start, edges, count);
        }
        place_all(arena, ret);
        map_free(&making.boxes);
        map_free(&making.members);
}
