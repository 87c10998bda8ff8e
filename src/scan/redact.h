/*
 * Keeping secrets out of the source lines that reports show.
 *
 * A finding copies the lines around its spot. When those hold the data of a Secret, the value of an
 * environment variable, or something whose key sounds like a credential, the value is replaced, and
 * only its key remains.
 */
#pragma once

#include "base/arena.h"
#include "doc/doc.h"

/* What stands for a value that is not shown. */
#define REDACTED "[redacted]"

/* LINE with the value behind its key replaced, where the key (or, with ALWAYS, anything) calls for
 * it; LINE itself otherwise. */
struct str redact_line(struct arena *arena, struct str line, bool always);

/* LINE with the characters [FROM, TO) replaced (1-based columns; TO 0: to the end). */
struct str redact_span(struct arena *arena, struct str line, uint32_t from, uint32_t to);

/* Whether LINE lies within the data of OBJECT, when that is a Secret. */
bool redact_is_secret_data(const struct doc_node *object, uint32_t line);
