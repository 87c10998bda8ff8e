#include "cmd/net_flows.h"

#include "base/fs.h"
#include "base/util.h"

int net_read_flows(struct command_context *context, const struct net_arguments *arguments,
                   struct net_flow_log *log, bool *complete) {
        for (size_t i = 0; i < arguments->flows.count; i++) {
                struct buf text _cleanup_(buf_free) = BUF_INIT;
                struct str rest, line;
                int r = fs_read(arguments->flows.items[i], -1, doc_default_limits.file_bytes * 16,
                                false, &text, context->error);

                if (r < 0)
                        return r;
                rest = buf_str(&text);
                while (str_split(&rest, '\n', &line))
                        net_flow_log_add(log, line);
        }
        if (log->unreadable > 0)
                command_note("%llu lines are no connections in a form that is known",
                             (unsigned long long)log->unreadable);
        if (log->unknown > 0)
                command_note("%llu connections have an end that is not in the input",
                             (unsigned long long)log->unknown);
        if (log->dropped > 0)
                command_note("%llu connections beyond the first %d different ones were left out",
                             (unsigned long long)log->dropped, NET_FLOWS_MAX);
        *complete &= log->unreadable + log->unknown + log->dropped == 0;
        return 0;
}

struct str net_end_text(struct arena *arena, const struct net_index *index,
                        const struct net_end *end) {
        if (end->endpoint == UINT32_MAX)
                return ip_text(arena, &end->ip);
        return net_endpoint_name(arena, index, &index->endpoints[end->endpoint]);
}
