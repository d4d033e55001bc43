#include "orchestrator/models/openai.h"
#include "orchestrator/models/sse.h"
#include "tests/fuzz/fuzz.h"

#define LIMIT 4096

typedef struct Heard {
        TextBuilder transcript;
} Heard;

static bool hear(void *listener, const SseEvent *event) {
        Heard *heard = listener;
        PROMISE(text_is_utf8(event->data) && text_is_utf8(event->type) && text_is_utf8(event->id));
        PROMISE(event->data.length <= LIMIT);
        text_add(&heard->transcript, event->type);
        text_add_char(&heard->transcript, '\n');
        text_add(&heard->transcript, event->data);
        text_add_char(&heard->transcript, '\0');
        return true;
}

/* All of the stream in pieces of at most `step` bytes; false when it failed. */
static bool read_stream(Text stream, size_t step, Heard *heard) {
        _cleanup_(sse_freep) SseParser *parser = sse_new(LIMIT, hear, heard);
        Failure failure;
        while (stream.length > 0) {
                const size_t length = step < stream.length ? step : stream.length;
                if (!sse_push(parser, (Text){ stream.bytes, length }, &failure)) {
                        PROMISE(failure.kind == FAILURE_TOO_LARGE);
                        return false;
                }
                stream = (Text){ stream.bytes + length, stream.length - length };
        }
        return true;
}

/* Whatever a provider puts into its events, what comes of it is text, and bounded. */
static void read_reply(Text transcript) {
        const ModelRequest request = { 0 };
        ModelReply given = { 0 };
        Failure failure = { 0 };
        Text event, type;
        _cleanup_(arena_freep) Arena *arena = arena_new((size_t) 16 * 1024 * 1024);
        _cleanup_(openai_reply_freep) OpenaiReply *reply = openai_reply_new(&request);
        while (text_split(&transcript, '\0', &event))
                if (text_split(&event, '\n', &type) && !openai_reply_take(reply, event, &given, &failure)) {
                        PROMISE(failure.kind != FAILURE_NONE && text_is_utf8(text_of(failure.text)));
                        break;
                }
        PROMISE(openai_reply_give(reply, arena, &given, &failure));
        PROMISE(text_is_utf8(given.content) && text_is_utf8(given.finish_reason));
        PROMISE(given.content.length <= MODEL_ANSWER_LIMIT && given.call_count <= MODEL_CALL_LIMIT);
        for (size_t i = 0; i < given.call_count; i++)
                PROMISE(given.calls[i].id.length > 0 && text_is_utf8(given.calls[i].arguments));
}

/* The first byte says in which pieces the rest comes; the events are the same as when it comes at once. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        if (size == 0)
                return 0;
        const Text stream = { (const char *) bytes + 1, size - 1 };
        Heard whole = { .transcript = text_builder(0) }, split = { .transcript = text_builder(0) };
        const bool whole_ok = read_stream(stream, stream.length, &whole);
        const bool split_ok = read_stream(stream, (size_t) bytes[0] + 1, &split);
        PROMISE(whole_ok == split_ok);
        PROMISE(text_equal(text_built(&whole.transcript), text_built(&split.transcript)));
        read_reply(text_built(&whole.transcript));
        text_builder_release(&whole.transcript);
        text_builder_release(&split.transcript);
        return 0;
}
