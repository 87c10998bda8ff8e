/*
 * The tree as cel-go's common/debug prints it, with macros expanded into folds, so that it can be
 * compared with what upstream's own tests expect (the field celgoAst of the shared data).
 */
#pragma once

#include "base/buf.h"
#include "cel/ast.h"

void syntax_dump(struct buf *buf, const struct cel_expr *expr);
