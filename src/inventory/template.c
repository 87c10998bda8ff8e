#include "inventory/template.h"

#include "base/util.h"

/* Looks at the action that begins behind "{{" at AT. */
static bool is_helm_action(struct str text, size_t at) {
        static const char *const words[] = { ".Values.", ".Release.", ".Chart.",   ".Capabilities.",
                                             ".Files.",  "define \"", "include \"" };
        ptrdiff_t end = str_find(text, STR("}}"), at);
        struct str action;

        /* An action is short; without its end it is none. */
        if (end < 0 || (size_t)end - at > 4096)
                return false;
        action = str_slice(text, at, (size_t)end);
        for (size_t i = 0; i < ELEMENTS(words); i++)
                if (str_find(action, str_from(words[i]), 0) >= 0)
                        return true;
        return false;
}

bool template_is_helm(struct str text, bool in_chart) {
        enum { MAX_ACTIONS = 1000 };
        ptrdiff_t at = str_find(text, STR("{{"), 0);

        if (at < 0)
                return false;
        if (in_chart)
                return true;
        for (int i = 0; at >= 0 && i < MAX_ACTIONS; i++) {
                if (is_helm_action(text, (size_t)at + 2))
                        return true;
                at = str_find(text, STR("{{"), (size_t)at + 2);
        }
        return false;
}
