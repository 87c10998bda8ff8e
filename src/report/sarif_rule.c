#include "report/json.h"
#include "report/layout.h"
#include "report/sarif.h"
#include "report/write.h"

/* Code scanning services map numbers to their own four levels: over 9.0 critical, from 7.0 high,
 * from 4.0 medium, the rest low. */
static const char *security_severity(enum severity severity) {
        switch (severity) {
        case SEVERITY_CRITICAL:
                return "9.5";
        case SEVERITY_HIGH:
                return "8.0";
        case SEVERITY_MEDIUM:
                return "5.5";
        default:
                return "2.0";
        }
}

/* Tags must be unique (3.8.2). Controls are few, so comparing each with each is cheap; what a
 * hostile policy could add beyond is cut off. */
static void add_tags(struct buf *buf, const struct rule_info *rule) {
        enum { MAX_TAGS = 20 };
        struct str tags[MAX_TAGS] = { STR("security"), STR("kubernetes") };
        size_t count = 2;

        for (size_t i = 0; i <= rule->control_count && count < MAX_TAGS; i++) {
                struct str tag = i == 0 ? rule->practice : rule->controls[i - 1];
                bool known = tag.len == 0;

                for (size_t j = 0; j < count && !known; j++)
                        known = str_eq(tags[j], tag);
                if (!known)
                        tags[count++] = tag;
        }
        json_key(buf, "tags");
        buf_add_char(buf, '[');
        for (size_t i = 0; i < count; i++) {
                json_item(buf);
                buf_add_json(buf, tags[i]);
        }
        buf_add_char(buf, ']');
}

/* "pods/host-path" is called PodsHostPath: names are identifiers of readable words (3.49.7). */
static void add_name(struct buf *buf, struct str id) {
        struct buf name _cleanup_(buf_free) = BUF_INIT;
        bool begins = true;

        for (size_t i = 0; i < id.len; i++) {
                char c = id.ptr[i];
                bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

                if (letter || (c >= '0' && c <= '9'))
                        buf_add_char(&name, begins && c >= 'a' ? (char)(c - 'a' + 'A') : c);
                begins = !letter && !(c >= '0' && c <= '9');
        }
        if (name.len > 0)
                json_string(buf, "name", buf_str(&name));
}

static void add_text_member(struct buf *buf, const char *key, struct str text) {
        json_key(buf, key);
        buf_add(buf, STR("{\"text\":"));
        sarif_add_message(buf, text);
        buf_add_char(buf, '}');
}

/* The longest run of backticks in TEXT: a fence around it needs one more. */
static size_t longest_fence(struct str text) {
        size_t longest = 0, run = 0;

        for (size_t i = 0; i < text.len; i++) {
                run = text.ptr[i] == '`' ? run + 1 : 0;
                longest = MAX(longest, run);
        }
        return longest;
}

/* Anything but a line of prose goes into a fence. */
static void add_remedy_markdown(struct buf *buf, struct str remedy) {
        bool lines = memchr(remedy.ptr, '\n', remedy.len) != NULL;
        size_t fence = MAX(longest_fence(remedy) + 1, (size_t)3);

        buf_add(buf, STR("\n\n**Fix**\n\n"));
        if (!lines && !remedy_is_code(remedy)) {
                buf_add(buf, remedy);
                return;
        }
        buf_add_repeat(buf, '`', fence);
        buf_add(buf, STR("yaml\n"));
        buf_add(buf, remedy);
        buf_add_char(buf, '\n');
        buf_add_repeat(buf, '`', fence);
        buf_add_char(buf, '\n');
}

static void add_help(struct buf *buf, const struct rule_info *rule) {
        struct buf text _cleanup_(buf_free) = BUF_INIT, markdown _cleanup_(buf_free) = BUF_INIT;
        struct str title = rule->title.len > 0 ? rule->title : rule->id;
        struct str remedy = str_trim(rule->remedy);

        buf_add(&text, rule->why.len > 0 ? rule->why : title);
        buf_add(&markdown, buf_str(&text));
        if (remedy.len > 0) {
                buf_add(&text, STR("\n\nFix:\n"));
                buf_add(&text, remedy);
                add_remedy_markdown(&markdown, remedy);
        }
        json_key(buf, "help");
        buf_add(buf, STR("{\"text\":"));
        sarif_add_message(buf, buf_str(&text));
        json_string(buf, "markdown", buf_str(&markdown));
        buf_add_char(buf, '}');
}

void sarif_add_rule(struct buf *buf, const struct rule_info *rule) {
        struct str title = rule->title.len > 0 ? rule->title : rule->id;

        buf_add_char(buf, '{');
        json_string(buf, "id", rule->id);
        add_name(buf, rule->id);
        add_text_member(buf, "shortDescription", title);
        add_text_member(buf, "fullDescription", rule->why.len > 0 ? rule->why : title);
        add_help(buf, rule);
        json_key(buf, "defaultConfiguration");
        buf_add_char(buf, '{');
        json_string(buf, "level", str_from(severity_level(rule->severity)));
        buf_add_char(buf, '}');
        json_key(buf, "properties");
        buf_add_char(buf, '{');
        add_tags(buf, rule);
        json_string(buf, "precision", STR("high"));
        json_string(buf, "security-severity", str_from(security_severity(rule->severity)));
        json_string(buf, "severity", str_from(severity_name(rule->severity)));
        buf_add(buf, STR("}}"));
}
