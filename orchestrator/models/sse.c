#include "orchestrator/models/sse.h"

struct SseParser {
        size_t limit;
        bool (*event)(void *listener, const SseEvent *event);
        void *listener;
        TextBuilder line; /* the beginning of a line whose end has not come */
        TextBuilder data, type, id;
        size_t data_lines;
        bool started;  /* past the place where a byte order mark may stand */
        bool after_cr; /* the LF of a CRLF is still to be swallowed */
        FailureKind ended;
};

SseParser *sse_new(size_t limit, bool (*event)(void *listener, const SseEvent *event), void *listener) {
        SseParser *parser = memory_new(sizeof(*parser));
        *parser = (SseParser){
                .limit = limit,
                .event = event,
                .listener = listener,
                .line = text_builder(limit),
                .data = text_builder(limit),
                .type = text_builder(limit),
                .id = text_builder(limit),
        };
        return parser;
}

static bool fail(SseParser *parser, FailureKind kind, Failure *reterr_failure) {
        parser->ended = kind;
        if (kind == FAILURE_TOO_LARGE)
                return failure_set(reterr_failure, kind, "An event of the stream has more than %zu bytes.",
                                   parser->limit);
        return failure_set(reterr_failure, kind, "The stream of events was stopped.");
}

static bool dispatch(SseParser *parser, Failure *reterr_failure) {
        bool go_on = true;

        if (parser->data_lines > 0) {
                const SseEvent event = {
                        .type = parser->type.length > 0 ? text_built(&parser->type) : TEXT("message"),
                        .data = text_built(&parser->data),
                        .id = text_built(&parser->id),
                };
                go_on = parser->event(parser->listener, &event);
        }
        text_builder_reset(&parser->data);
        text_builder_reset(&parser->type);
        parser->data_lines = 0;
        return go_on || fail(parser, FAILURE_CANCELLED, reterr_failure);
}

static void replace(TextBuilder *builder, Text value) {
        text_builder_reset(builder);
        text_add_repaired(builder, value);
}

static void add_data(SseParser *parser, Text value) {
        if (parser->data_lines++ > 0)
                text_add_char(&parser->data, '\n');
        text_add_repaired(&parser->data, value);
}

/* One whole line, without its end (WHATWG HTML §9.2.6). */
static bool take_line(SseParser *parser, Text line, Failure *reterr_failure) {
        if (!parser->started) {
                parser->started = true;
                if (text_starts_with(line, TEXT("\xEF\xBB\xBF")))
                        line = (Text){ line.bytes + 3, line.length - 3 };
        }
        if (line.length == 0)
                return dispatch(parser, reterr_failure);

        Text value = line, name = TEXT_NONE;
        if (!text_split(&value, ':', &name) || name.length == 0)
                return true;
        if (value.length > 0 && value.bytes[0] == ' ')
                value = (Text){ value.bytes + 1, value.length - 1 };

        if (text_equal(name, TEXT("data")))
                add_data(parser, value);
        else if (text_equal(name, TEXT("event")))
                replace(&parser->type, value);
        else if (text_equal(name, TEXT("id")) && !memchr(value.bytes, '\0', value.length))
                replace(&parser->id, value);

        if (parser->data.overflowed || parser->type.overflowed || parser->id.overflowed)
                return fail(parser, FAILURE_TOO_LARGE, reterr_failure);
        return true;
}

/* Length of `bytes` up to the first CR or LF, or all of it. */
static size_t line_length(Text bytes) {
        const char *lf = memchr(bytes.bytes, '\n', bytes.length);
        const size_t length = lf ? (size_t) (lf - bytes.bytes) : bytes.length;
        const char *cr = memchr(bytes.bytes, '\r', length);

        return cr ? (size_t) (cr - bytes.bytes) : length;
}

bool sse_push(SseParser *parser, Text bytes, Failure *reterr_failure) {
        if (parser->ended != FAILURE_NONE)
                return fail(parser, parser->ended, reterr_failure);

        while (bytes.length > 0) {
                const bool swallow = parser->after_cr && bytes.bytes[0] == '\n';
                parser->after_cr = false;
                if (swallow) {
                        bytes = (Text){ bytes.bytes + 1, bytes.length - 1 };
                        continue;
                }

                const size_t length = line_length(bytes);
                const bool whole = length < bytes.length;
                Text line = { bytes.bytes, length };
                if (!whole || parser->line.length > 0) {
                        text_add(&parser->line, line);
                        line = text_built(&parser->line);
                }
                if (parser->line.overflowed || length > parser->limit)
                        return fail(parser, FAILURE_TOO_LARGE, reterr_failure);
                if (!whole)
                        return true;

                parser->after_cr = bytes.bytes[length] == '\r';
                if (!take_line(parser, line, reterr_failure))
                        return false;
                text_builder_reset(&parser->line);
                bytes = (Text){ bytes.bytes + length + 1, bytes.length - length - 1 };
        }
        return true;
}

void sse_free(SseParser *parser) {
        text_builder_release(&parser->line);
        text_builder_release(&parser->data);
        text_builder_release(&parser->type);
        text_builder_release(&parser->id);
        free(parser);
}
