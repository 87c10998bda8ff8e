/*
 * What the files of this module share. Private to src/net.
 */
#pragma once

#include "net/net.h"

/* One object while it is read. */
struct net_reader {
        struct net_index *index;
        const struct resource *resource;
        struct net_place place;
};

/* Adds a diagnostic about the object at PLACE. */
void net_problem(struct net_index *index, const struct net_place *place, bool incomplete,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The same about NODE of the object of READER, with the name of that object; always incomplete. */
void net_refuse(struct net_reader *reader, const struct doc_node *node, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* "a/b" or "a/b/c" in memory of the index: keys of maps. A part holds no slash. */
struct str net_key(struct arena *arena, struct str a, struct str b);
struct str net_key3(struct arena *arena, struct str a, struct str b, struct str c);

static inline bool net_absent(const struct doc_node *node) {
        return !node || node->kind == DOC_NULL;
}

/* The string KEY of MAP in memory of the index, or empty. */
struct str net_string(struct net_reader *reader, const struct doc_node *map, struct str key);

/* The items of the list KEY of MAP; what is no list is refused, and has none. */
const struct doc_node *net_list(struct net_reader *reader, const struct doc_node *map,
                                struct str key, uint32_t *ret_count);

/* labels.c */
uint32_t net_word(struct net_index *index, struct str text);
/* TEXT in memory of the index, once for all that are equal. */
struct str net_kept(struct net_index *index, struct str text);
void net_read_labels(struct net_index *index, const struct doc_node *node, struct net_labels *ret);

/* Reads NODE (may be absent) into RET. Returns false, with a diagnostic, where it is malformed. */
bool net_read_selector(struct net_reader *reader, const struct doc_node *node,
                       struct net_selector *ret);
const uint32_t *net_label_find(const struct net_labels *labels, uint32_t key);

/* Objects of one kind each: policy.c, admin.c, pod.c, service.c. */
void net_add_policy(struct net_reader *reader);
void net_add_admin_policy(struct net_reader *reader);
void net_add_namespace(struct net_reader *reader);
void net_add_node(struct net_reader *reader);
void net_add_pod(struct net_reader *reader);
void net_add_templates(struct net_reader *reader);
void net_add_owner(struct net_reader *reader);
void net_add_service(struct net_reader *reader);
void net_add_ingress(struct net_reader *reader);
void net_add_gateway(struct net_reader *reader);
void net_add_http_route(struct net_reader *reader);
void net_note_plugin(struct net_reader *reader);

struct net_namespace *net_namespace_of(struct net_index *index, struct str name);

/* Puts POLICY into the index, in place of one with the same name. */
void net_keep_policy(struct net_reader *reader, struct net_policy *policy);

/* Reads "10.0.0.0/8" into RET, masked. */
bool net_read_prefix(struct str text, struct ip_prefix *ret);

/* pod.c: connects pods with the workloads that own them, and drops templates of those. */
void net_own_pods(struct net_index *index);

/* space.c: the ranges of the address space; classes.c: the classes and endpoints. */
void net_make_ranges(struct net_index *index);
uint32_t net_range_of(const struct net_index *index, const struct ip *ip);

/* Whether BLOCK holds an address of a pod, or HOST of a node, that is not known. */
bool net_block_holds_unknown(const struct net_index *index, const struct net_block *block,
                             bool host, bool v6);
void net_make_classes(struct net_index *index);

/* rules.c: the peers and ports of rules; views.c: what follows from them. WANTED, by class: only
 * of policies that select one of these, and of tiers; NULL: of all. */
int net_resolve_rules(struct net_index *index, const bool *wanted, struct error *error);
void net_make_views(struct net_index *index);

/* views.c: the policies of WANTED classes, in views without groups. */
void net_list_views(struct net_index *index, const bool *wanted);

/* The ports of RULE at DESTINATION. */
uint32_t net_rule_ports(struct net_index *index, const struct net_rule *rule, uint32_t destination);

/* Reports policies of equal priority that contradict each other. */
void net_check_priorities(struct net_index *index);

/* --- bits --- */

void net_bits_fill(uint64_t *bits, uint32_t count);

static inline bool net_bit(const uint64_t *bits, uint32_t at) {
        return bits[at / 64] >> (at % 64) & 1;
}
static inline void net_bit_set(uint64_t *bits, uint32_t at) {
        bits[at / 64] |= UINT64_C(1) << (at % 64);
}
