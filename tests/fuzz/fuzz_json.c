#include "base/json.h"
#include "tests/fuzz/fuzz.h"

static Json *parse(Text text) {
        Failure failure = { 0 };
        Json *value = NULL;
        if (json_parse(text, 0, &value, &failure))
                return value;
        PROMISE(failure.kind == FAILURE_INVALID || failure.kind == FAILURE_TOO_LARGE);
        PROMISE(text_is_utf8(text_of(failure.text)));
        return NULL;
}

/* What is written is JSON again, and its canonical form is its own canonical form. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        _cleanup_(arena_freep) Arena *arena = arena_new((size_t) 64 * 1024 * 1024);
        _cleanup_(json_freep) Json *value = parse((Text){ (const char *) bytes, size });
        Text pretty, canonical, again;
        if (!value)
                return 0;
        PROMISE(json_pretty(value, arena, &pretty));
        _cleanup_(json_freep) Json *from_pretty = parse(pretty);
        PROMISE(from_pretty);
        if (!json_canonical(value, arena, &canonical))
                return 0; /* an integer beyond 2^53 */
        PROMISE(text_is_utf8(canonical));
        _cleanup_(json_freep) Json *from_canonical = parse(canonical);
        PROMISE(from_canonical || strpbrk(canonical.bytes, "0123456789"));
        if (from_canonical && json_canonical(from_canonical, arena, &again))
                PROMISE(text_equal(canonical, again));
        if (json_canonical(from_pretty, arena, &again))
                PROMISE(text_equal(canonical, again));
        return 0;
}
