#include "base/jid.h"
#include "tests/fuzz/fuzz.h"

/* An address that is taken is UTF-8, within its limit, made of its parts, and stays what it is. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        Failure failure = { 0 };
        Jid jid, again;
        if (!jid_parse(arena, (Text){ (const char *) bytes, size }, &jid, &failure)) {
                PROMISE(failure.kind == FAILURE_INVALID && text_is_utf8(text_of(failure.text)));
                return 0;
        }
        PROMISE(jid.full.length <= JID_LIMIT && jid.domain.length > 0);
        PROMISE(text_is_utf8(jid.full) && !memchr(jid.full.bytes, 0, jid.full.length));
        PROMISE(text_starts_with(jid.full, jid.bare));
        PROMISE(jid_parse(arena, jid.full, &again, &failure));
        PROMISE(text_equal(jid.full, again.full) && text_equal(jid.bare, again.bare));
        PROMISE(text_equal(jid.local, again.local) && text_equal(jid.resource, again.resource));
        return 0;
}
