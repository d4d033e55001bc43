#include "orchestrator/memory/passages.h"
#include "tests/fuzz/fuzz.h"

static void split(PassageFormat format, Text document) {
        _cleanup_(arena_freep) Arena *arena = arena_new((size_t) 32 * 1024 * 1024);
        PassageList passages;
        Failure failure;
        if (!passages_split(format, document, arena, &passages, &failure)) {
                PROMISE(failure.kind == FAILURE_INVALID);
                return;
        }
        for (size_t i = 0; i < passages.count; i++) {
                const Text content = passages.items[i].content, heading = passages.items[i].heading;
                PROMISE(content.length > 0 && content.length <= PASSAGE_SIZE);
                PROMISE(text_is_utf8(content) && text_is_utf8(heading));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        split(PASSAGE_MARKDOWN, (Text){ (const char *) bytes, size });
        split(PASSAGE_PLAIN, (Text){ (const char *) bytes, size });
        return 0;
}
