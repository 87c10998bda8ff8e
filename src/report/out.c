#include "report/out.h"

#include <errno.h>

enum { SPILL_AT = 64 * 1024 };

static void write_all(struct out *out) {
        if (out->error == 0 && out->buf.len > 0) {
                errno = 0;
                if (fwrite(out->buf.data, 1, out->buf.len, out->file) != out->buf.len)
                        out->error = errno > 0 ? -errno : -EIO;
        }
        buf_clear(&out->buf);
}

void out_spill(struct out *out) {
        if (out->buf.len >= SPILL_AT)
                write_all(out);
}

int out_finish(struct out *out) {
        write_all(out);
        buf_free(&out->buf);
        if (out->error == 0) {
                errno = 0;
                if (fflush(out->file) != 0)
                        out->error = errno > 0 ? -errno : -EIO;
        }
        return out->error;
}
