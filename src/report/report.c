#include <errno.h>

#include "report/write.h"

static const char *const format_names[REPORT_FORMAT_COUNT] = {
        [REPORT_TEXT] = "text", [REPORT_BRIEF] = "brief", [REPORT_TABLE] = "table",
        [REPORT_WIDE] = "wide", [REPORT_JSON] = "json",   [REPORT_SARIF] = "sarif",
};

int report_format_parse(struct str text, enum report_format *ret) {
        for (size_t i = 0; i < REPORT_FORMAT_COUNT; i++)
                if (str_eq(text, str_from(format_names[i]))) {
                        *ret = (enum report_format)i;
                        return 0;
                }
        return -EINVAL;
}

const char *report_format_name(enum report_format format) {
        return (unsigned)format < REPORT_FORMAT_COUNT ? format_names[format] : "unknown";
}

const char *severity_level(enum severity severity) {
        switch (severity) {
        case SEVERITY_CRITICAL:
        case SEVERITY_HIGH:
                return "error";
        case SEVERITY_MEDIUM:
                return "warning";
        default:
                return "note";
        }
}

int report_write(enum report_format format, const struct report *report,
                 const struct report_style *style, FILE *file) {
        struct out out = { .file = file };

        switch (format) {
        case REPORT_TEXT:
                write_text(&out, report, style);
                break;
        case REPORT_BRIEF:
                write_brief(&out, report);
                break;
        case REPORT_TABLE:
        case REPORT_WIDE:
                write_table(&out, report, style, format == REPORT_WIDE);
                break;
        case REPORT_JSON:
                write_json(&out, report);
                break;
        case REPORT_SARIF:
                write_sarif(&out, report);
                break;
        default:
                return -EINVAL;
        }
        return out_finish(&out);
}
