#include "tests/fuzz/fuzz.h"
#include "xmpp/styling.h"
#include "xmpp/writer.h"

#define LIMIT 256

/* What a model writes, styled and cut: nothing that was text becomes bad text, and every part fits. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        _cleanup_(arena_freep) Arena *arena = arena_new((size_t) 64 * 1024 * 1024);
        const Text text = { (const char *) bytes, size };
        const Text styled = styling_of(arena, text);
        StylingParts parts = { .rest = styled };
        Text part;
        size_t count = 0;

        PROMISE(!text_is_utf8(text) || text_is_utf8(styled));
        PROMISE(styled.bytes == text.bytes || styled.length <= (size_t) 512 * 1024);
        while (styling_next_part(&parts, LIMIT, arena, &part)) {
                PROMISE(text_xml_length(part) <= LIMIT);
                PROMISE(!text_is_utf8(styled) || text_is_utf8(part));
                PROMISE(++count <= styled.length);
        }
        return 0;
}
