// RE2 behind a C interface; see regex.h. Nothing here throws: RE2 reports errors by value.

#include <re2/re2.h>

#include <cerrno>
#include <vector>

extern "C" {
// C headers with names that C++ reserves nothing of.
#include "base/regex.h"
}

struct regex {
        RE2 re2;
        regex(re2::StringPiece pattern, const RE2::Options &options) : re2(pattern, options) {
        }
};

// Go's regexp, which CEL's reference uses, has no such limit; RE2's default of 8 MiB is far beyond
// any sane policy.
static constexpr int64_t max_memory = 8 << 20;

static re2::StringPiece piece(struct str s) {
        return re2::StringPiece(s.ptr ? s.ptr : "", s.len);
}

int regex_new(struct str pattern, struct regex **ret, struct error *error) {
        RE2::Options options(RE2::Quiet);

        options.set_max_mem(max_memory);
        struct regex *regex = new struct regex(piece(pattern), options);
        if (!regex->re2.ok()) {
                int r = error_set(error, -EINVAL, "%s", regex->re2.error().c_str());

                delete regex;
                return r;
        }
        *ret = regex;
        return 0;
}

struct regex *regex_free(struct regex *regex) {
        delete regex;
        return nullptr;
}

bool regex_search(const struct regex *regex, struct str text) {
        return regex->re2.Match(piece(text), 0, text.len, RE2::UNANCHORED, nullptr, 0);
}

bool regex_find(const struct regex *regex, struct str text, size_t from, struct str *groups,
                size_t count) {
        std::vector<re2::StringPiece> found(count);

        if (!regex->re2.Match(piece(text), from, text.len, RE2::UNANCHORED, found.data(),
                              static_cast<int>(count)))
                return false;
        for (size_t i = 0; i < count; i++) {
                groups[i].ptr = found[i].data();
                groups[i].len = found[i].size();
        }
        return true;
}

size_t regex_groups(const struct regex *regex) {
        return static_cast<size_t>(regex->re2.NumberOfCapturingGroups());
}
