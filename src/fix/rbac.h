/*
 * Fixes of roles and bindings.
 */
#pragma once

#include "fix/fix.h"

extern const struct fix_provider fix_rbac_subjects;  /* a subject leaves its binding */
extern const struct fix_provider fix_rbac_bindings;  /* a binding goes */
extern const struct fix_provider fix_rbac_inert;     /* what grants nothing leaves its rule */
extern const struct fix_provider fix_rbac_rights;    /* a right leaves its rule */
extern const struct fix_provider fix_rbac_wildcards; /* "*" becomes what was meant, or used */
extern const struct fix_provider fix_rbac_everyone;  /* who may do everything leaves the binding */
extern const struct fix_provider fix_rbac_tokens;    /* a token is not mounted */
extern const struct fix_provider fix_rbac_secrets;   /* a Secret with a lasting token goes */
