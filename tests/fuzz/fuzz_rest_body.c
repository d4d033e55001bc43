#include "component/doors/route.h"
#include "orchestrator/operations/input.h"
#include "tests/fuzz/fuzz.h"

static const Operation *operation_at(uint8_t number) {
        size_t count = 0;
        while (operation_catalogue[count])
                count++;
        return operation_catalogue[number % count];
}

/* The first byte chooses the operation, the rest is a request's body: it is taken or refused with one sentence. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        if (size == 0)
                return 0;
        const Operation *operation = operation_at(bytes[0]);
        _cleanup_(arena_freep) Arena *arena = arena_new((size_t) 16 * 1024 * 1024);
        _cleanup_(json_freep) Json *json = json_new_object();
        const Input *input;
        Failure failure = { 0 };
        Text canonical;
        if (!route_add_body((Text){ (const char *) bytes + 1, size - 1 }, json, &failure) ||
            !input_check(operation, json, arena, &input, &failure)) {
                PROMISE(failure.kind == FAILURE_INVALID || failure.kind == FAILURE_TOO_LARGE);
                PROMISE(text_is_utf8(text_of(failure.text)));
                return 0;
        }
        if (input_canonical(input, arena, &canonical))
                PROMISE(text_is_utf8(canonical));
        return 0;
}
