/* redoubt paths -o dot|svg|html. */
#include "cmd/paths.h"

void paths_add_picture(struct buf *buf, const struct paths_picture *picture, int format) {
        (void)buf;
        (void)picture;
        (void)format;
}
