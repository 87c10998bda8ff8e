/* /proc/PID/cmdline, flags and their values, and lines of /proc/net/tcp: any bytes. */
#include <stdlib.h>

#include "base/util.h"
#include "node/host.h"
#include "node/runtime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const struct setting settings[] = { { "a", "a", SETTING_BOOL },
                                                   { "b", "b", SETTING_STRING } };
        struct arena arena _cleanup_(arena_free) = ARENA_INIT;
        struct str text = { (const char *)data, size };
        struct words words = { 0 };
        struct flags flags = { 0 };
        struct socket_line socket;
        bool encrypted;

        process_words(&arena, text, (struct place){ 0 }, &words);
        flags_parse(&arena, &words, 0, settings, ELEMENTS(settings), &flags);
        for (size_t i = 0; i < flags.count; i++)
                for (int type = SETTING_BOOL; type <= SETTING_GATES; type++)
                        setting_value(&arena, (enum setting_type)type, flags.items[i].value);
        socket_parse(text, false, &socket);
        socket_parse(text, true, &socket);
        private_key_kind(text, &encrypted);
        version_compare(text, STR("1.2.3-rc.1"));
        debian_compare(text, STR("1:1.2.3-1"));
        return 0;
}
