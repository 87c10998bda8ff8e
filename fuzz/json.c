/*
 * The JSON reader, and the decision between JSON and YAML, on any bytes.
 */
#include "doc_invariants.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        doc_check_text(data, size, DOC_JSON);
        doc_check_text(data, size, DOC_AUTO);
        return 0;
}
