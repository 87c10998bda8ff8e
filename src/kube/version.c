#include "kube/version.h"

#include <errno.h>

#include "base/options.h"

int kube_minor_parse(struct str text, uint16_t *ret) {
        struct str part;
        int64_t minor;

        if (str_starts(text, STR("v")))
                text = str_slice(text, 1, text.len);
        if (!str_split(&text, '.', &part) || !str_eq(part, STR("1")) ||
            !str_split(&text, '.', &part) || option_parse_integer(part, &minor) < 0 || minor < 0 ||
            minor > 99)
                return -EINVAL;
        *ret = (uint16_t)minor;
        return 0;
}
