/*
 * Fuzzes network policies: whatever the objects are, the matrix and the rules one by one give the
 * same answers, every edge is one that a question confirms, and the facts are documents.
 */
#include <assert.h>
#include <stdint.h>

#include "base/util.h"
#include "net/facts.h"
#include "net/matrix.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PEERS_MAX = 24 };

static void read_objects(struct net_index *index, struct str text) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct doc_limits limits = doc_default_limits;
        struct resource_list resources;
        struct doc_source source;
        struct doc_reader reader;
        struct error error;
        struct doc *doc;
        int r;

        limits.nodes = 20000;
        if (doc_source_init(&arena, STR("net.yaml"), text, &source, &error) < 0)
                return;
        doc_reader_init(&reader, &source, DOC_AUTO, &limits);
        while ((r = doc_read(&reader, &arena, &doc, &error)) != 0) {
                if (r < 0)
                        continue;
                resources_of(&arena, doc, STR("default"), false, &resources);
                for (size_t i = 0; i < resources.count; i++)
                        net_index_add(index, source.name, &resources.items[i]);
        }
}

static void check_pair(const struct net_index *index, uint32_t source, uint32_t destination) {
        static const uint16_t ports[] = { 1, 53, 80, 8080, 65535 };

        for (size_t i = 0; i < ELEMENTS(ports); i++)
                for (int p = 0; p < NET_PROTOCOLS; p++) {
                        struct net_decision decision;

                        net_decide(index, source, destination, (enum net_protocol)p, ports[i],
                                   &decision);
                        assert(decision.allowed == net_reaches_port(index, source, destination,
                                                                    (enum net_protocol)p,
                                                                    ports[i]));
                }
}

static void check_edge(void *userdata, const struct net_edge *edge) {
        struct net_index *index = userdata;

        assert(edge->set != NET_NO_PORTS);
        if (edge->source != NET_OUTSIDE && edge->destination != NET_OUTSIDE)
                assert(net_reaches(index, index->endpoints[edge->source].class,
                                   index->endpoints[edge->destination].class));
}

static void check_fact(_unused_ void *userdata, struct str json, _unused_ struct str file,
                       _unused_ struct doc_pos pos) {
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct doc_source source = { STR(""), json };
        struct doc_reader reader;
        struct doc *doc;

        doc_reader_init(&reader, &source, DOC_JSON, NULL);
        assert(doc_read(&reader, &arena, &doc, NULL) == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct net_index index _cleanup_(net_index_free) = { 0 };
        const struct net_matrix_options options = { .nodes = true };
        struct error error;
        uint32_t count;

        net_index_init(&index);
        read_objects(&index, (struct str){ (const char *)data, size });
        if (net_index_finish(&index, &error) < 0)
                return 0;
        count = MIN(index.peer_count, (uint32_t)PEERS_MAX);
        for (uint32_t i = 0; i < count; i++)
                for (uint32_t k = 0; k < count; k++)
                        if (i < index.class_count || k < index.class_count)
                                check_pair(&index, i, k);
        if (index.endpoint_count <= 200) {
                net_matrix(&index, &options, check_edge, &index);
                net_make_facts(&index, check_fact, NULL);
        }
        return 0;
}
