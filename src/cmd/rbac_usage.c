/* redoubt rbac: what an audit log says that was used. */
#include "audit/access.h"
#include "cmd/audit_log.h"
#include "cmd/rbac.h"

struct reading {
        struct rbac_log *ret;
        struct audit_log log;
        bool with_failed;
};

static int take_event(void *userdata, const struct doc_node *root, struct error *error) {
        struct reading *reading = userdata;
        struct rbac_log *ret = reading->ret;
        struct audit_event event;
        int r = audit_event_read(root, &event, error);

        if (r < 0)
                return r;
        ret->events++;
        rbac_usage_saw(&ret->usage, event.time);
        switch (audit_outcome(&event)) {
        case AUDIT_UNFINISHED:
                ret->unfinished++;
                return 0;
        case AUDIT_FORBIDDEN:
                ret->forbidden++;
                return 0;
        case AUDIT_FAILED:
                ret->failed++;
                if (!reading->with_failed)
                        return 0;
                break;
        case AUDIT_DONE:
                break;
        }
        return audit_access(&event, &ret->usage, &reading->log.arena, error);
}

int rbac_read_logs(struct command_context *context, const struct rbac_arguments *arguments,
                   bool with_failed, struct rbac_log *ret) {
        struct reading reading = { .ret = ret, .with_failed = with_failed };
        int r;

        reading.log =
                (struct audit_log){ .context = context, .event = take_event, .userdata = &reading };
        r = audit_log_read(&reading.log, &arguments->logs);
        ret->unreadable = reading.log.unreadable;
        audit_log_free(&reading.log);
        return r;
}

void rbac_log_free(struct rbac_log *log) {
        rbac_usage_free(&log->usage);
}

bool rbac_log_is_complete(const struct rbac_log *log) {
        return log->unreadable == 0 && log->usage.left_out == 0;
}

/* --- words --- */

void rbac_add_log(struct buf *buf, const struct rbac_log *log, const char *prefix) {
        const struct rbac_usage *usage = &log->usage;

        buf_printf(buf, "%sthe log has %zu events", prefix, log->events);
        if (usage->first[0]) {
                buf_add(buf, STR(", "));
                buf_add_terminal(buf, str_from(usage->first));
                buf_add(buf, STR(" to "));
                buf_add_terminal(buf, str_from(usage->last));
        }
        buf_printf(buf, "\n%s%zu rights of %zu users were used", prefix, usage->uses.count,
                   usage->users.count);
        if (log->forbidden + log->failed > 0)
                buf_printf(buf, "; requests that were refused: %zu, that failed: %zu",
                           log->forbidden, log->failed);
        buf_add_char(buf, '\n');
        if (!rbac_log_is_complete(log))
                buf_printf(buf,
                           "%snot all of it: %zu lines could not be read, %llu requests were too "
                           "many\n",
                           prefix, log->unreadable, (unsigned long long)usage->left_out);
}

void rbac_add_log_json(struct buf *buf, const struct rbac_log *log) {
        const struct rbac_usage *usage = &log->usage;

        buf_add(buf, STR("{\"first\":"));
        buf_add_json(buf, str_from(usage->first));
        buf_add(buf, STR(",\"last\":"));
        buf_add_json(buf, str_from(usage->last));
        buf_printf(buf,
                   ",\"events\":%zu,\"otherStages\":%zu,\"refused\":%zu,\"failed\":%zu,"
                   "\"unreadable\":%zu,\"leftOut\":%llu,\"rights\":%zu,\"users\":%zu}",
                   log->events, log->unfinished, log->forbidden, log->failed, log->unreadable,
                   (unsigned long long)usage->left_out, usage->uses.count, usage->users.count);
}
