/* The gateway of a build without libcurl: it says so. */
#include <errno.h>

#include "etcd/gateway.h"

int gateway_read(struct at_rest *found, const struct gateway_options *options,
                 struct error *error) {
        (void)found;
        (void)options;
        return error_set(error, -ENOSYS,
                         "this program was built without libcurl: a live etcd cannot be asked");
}
