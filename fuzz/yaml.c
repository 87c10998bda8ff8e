/*
 * The YAML reader on any bytes: no crash, a sound tree, and what is written reads back the same.
 */
#include "doc_invariants.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        doc_check_text(data, size, DOC_YAML);
        return 0;
}
