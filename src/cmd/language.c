#include "cmd/language.h"

#include <errno.h>

#include "kube/version.h"
#include "policy/policy.h"

/* ValidatingAdmissionPolicy came with 1.26; its CEL is that of 1.25. */
enum { OLDEST_MINOR = 25 };

int language_minor(const struct language_arguments *arguments, uint16_t *ret, struct error *error) {
        uint16_t minor = 0;

        if (arguments->kube_version &&
            (kube_minor_parse(str_from(arguments->kube_version), &minor) < 0 ||
             minor < OLDEST_MINOR))
                return error_set(error, -EINVAL,
                                 "\"%s\" is no Kubernetes version; it should look like 1.31",
                                 arguments->kube_version);
        *ret = arguments->full ? POLICY_CEL_FULL : minor;
        return 0;
}
