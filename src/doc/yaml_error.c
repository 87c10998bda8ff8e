#include "doc/yaml_error.h"

#include <errno.h>

#include "base/util.h"

/* What libyaml says, what we say, and whether the place to look at is where the thing began that
 * went wrong (libyaml's context) instead of where it was noticed. */
struct complaint {
        const char *problem;
        const char *sentence;
        bool at_context;
};

static const struct complaint complaints[] = {
        { "mapping values are not allowed",
          "mapping values are not allowed here: check the indentation of this line, and put text "
          "that contains \": \" in quotes",
          false },
        { "could not find expected ':'",
          "a key without a value begins here: is the colon missing, or the space after it?", true },
        { "found unexpected end of stream", "the quote that is opened here is never closed", true },
        { "found unexpected document indicator",
          "the quote that is opened here is not closed before the document ends", true },
        { "did not find expected key",
          "expected a key here: the line is not indented like the other keys of its map, or a "
          "quote "
          "closes too early",
          false },
        { "did not find expected '-' indicator",
          "expected \"- \" here: the line is not indented like the other items of its list",
          false },
        { "did not find expected ',' or ']'",
          "expected a comma or the closing bracket of a list here", false },
        { "did not find expected ',' or '}'", "expected a comma or the closing brace of a map here",
          false },
        { "did not find expected node content",
          "expected a value here; put text that begins with a special character in quotes", false },
        { "did not find expected <document start>",
          "the document should end here, because its value is complete: check the indentation, or "
          "begin a new document with ---",
          false },
        { "block sequence entries are not allowed",
          "a list item is not allowed here: begin the list on a line of its own, and do not mix "
          "items with keys",
          false },
        { "mapping keys are not allowed", "a key is not allowed here: check the indentation",
          false },
        { "found a tab character", "a tab is used for indentation here; YAML allows only spaces",
          false },
        { "found unknown escape character",
          "unknown escape in a text in double quotes: write \\\\ for a backslash, or use single "
          "quotes",
          false },
        { "did not find expected hexdecimal number",
          "an escape in double quotes needs hexadecimal digits here (\\x41, \\u0041)", false },
        { "found invalid Unicode character escape code",
          "the escape stands for no Unicode character; write characters beyond U+FFFF with \\U and "
          "eight digits",
          false },
        { "did not find expected alphabetic or numeric character",
          "expected the name of an anchor or alias here; put text that begins with & or * in "
          "quotes",
          false },
        { "found undefined tag handle",
          "a tag of an unknown handle; put text that begins with ! in quotes", false },
        { "did not find expected comment or line break",
          "expected the end of the line here: the text of a block scalar begins on the next line",
          false },
        { "found an indentation indicator equal to 0",
          "the indentation of a block scalar cannot be 0", false },
        { "found unexpected ':'", "text with a colon must be in quotes within [ ] or { }", false },
        { "found unknown directive name", "an unknown directive; a text cannot begin with %",
          false },
        { "found incompatible YAML document", "the %YAML directive names a version that is not 1.1",
          false },
};

/* The offset of MARK, wherever the cursor is. */
static size_t offset_of(const struct locator *locator, const yaml_mark_t *mark) {
        struct locator fresh;

        locator_init(&fresh, locator->text, locator->first_line, &locator->survey);
        return locator_offset(&fresh, mark);
}

static struct doc_pos pos_of(const struct locator *locator, const yaml_mark_t *mark) {
        struct locator fresh;

        locator_init(&fresh, locator->text, locator->first_line, &locator->survey);
        return locator_pos(&fresh, mark);
}

/* The line that holds OFFSET. */
static struct str line_at(struct str text, size_t offset) {
        size_t start = MIN(offset, text.len), end = start;

        while (start > 0 && text.ptr[start - 1] != '\n')
                start--;
        while (end < text.len && text.ptr[end] != '\n')
                end++;
        return str_slice(text, start, end);
}

/* Whether LINE reads like "key:value". */
static bool lacks_space(struct str line) {
        size_t i;

        line = str_trim(line);
        while (str_starts(line, STR("- ")))
                line = str_trim(str_slice(line, 2, line.len));
        for (i = 0; i < line.len; i++) {
                char c = line.ptr[i];

                if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || c == '-' || c == '.'))
                        break;
        }
        return i > 0 && i + 1 < line.len && line.ptr[i] == ':' && line.ptr[i + 1] != ' ' &&
               line.ptr[i + 1] != '/' && str_find(line, STR(": "), 0) < 0;
}

/* The line with a missing space at or shortly before the problem, 0 where there is none. */
static uint32_t find_lacking_line(struct str text, size_t offset, uint32_t line) {
        for (int back = 0; back < 3 && line > 0; back++, line--) {
                struct str content = line_at(text, offset);

                if (lacks_space(content))
                        return line;
                if (content.ptr == text.ptr)
                        return 0;
                offset = (size_t)(content.ptr - text.ptr) - 1;
        }
        return 0;
}

static const struct complaint *find_complaint(const char *problem) {
        for (size_t i = 0; i < ELEMENTS(complaints); i++)
                if (strstr(problem, complaints[i].problem))
                        return &complaints[i];
        return NULL;
}

/* The sentence for a character that cannot begin anything. */
static int refuse_start(char c, struct doc_pos pos, struct error *error) {
        if (c == '\t')
                return error_set_at(error, -EINVAL, pos.line, pos.column,
                                    "a tab is used for indentation here; YAML allows only spaces");
        return error_set_at(error, -EINVAL, pos.line, pos.column,
                            "text cannot begin with %c; put it in quotes", c);
}

int yaml_error_set(const yaml_parser_t *parser, struct locator *locator, struct error *error) {
        const char *problem = parser->problem ? parser->problem : "the text is not YAML";
        const struct complaint *complaint = find_complaint(problem);
        const yaml_mark_t *mark = &parser->problem_mark;
        size_t offset;
        struct doc_pos pos;
        uint32_t lacking;

        if (parser->error == YAML_MEMORY_ERROR)
                return error_set(error, -ENOMEM, "out of memory");
        if (complaint && complaint->at_context && parser->context)
                mark = &parser->context_mark;
        pos = pos_of(locator, mark);
        offset = offset_of(locator, mark);
        if (str_find(line_at(locator->text, offset), STR("{{"), 0) >= 0)
                return error_set_at(error, -EINVAL, pos.line, pos.column,
                                    "the line is not YAML (%s); it looks like a template, which "
                                    "has to be rendered first",
                                    problem);
        if (strstr(problem, "cannot start any token") && offset < locator->text.len)
                return refuse_start(locator->text.ptr[offset], pos, error);
        lacking = find_lacking_line(locator->text, offset, pos.line);
        if (lacking && complaint && (complaint == &complaints[0] || complaint == &complaints[1]))
                return error_set_at(error, -EINVAL, pos.line, pos.column,
                                    "%s; a space is missing after the colon in line %u",
                                    complaint == &complaints[0]
                                            ? "mapping values are not allowed here"
                                            : "a key without a value begins here",
                                    lacking);
        if (complaint && parser->context && strstr(problem, "did not find expected ',' or"))
                return error_set_at(error, -EINVAL, pos.line, pos.column,
                                    "%s; it is opened in line %u", complaint->sentence,
                                    pos_of(locator, &parser->context_mark).line);
        return error_set_at(error, -EINVAL, pos.line, pos.column, "%s",
                            complaint ? complaint->sentence : problem);
}
