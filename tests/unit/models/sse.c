#include "orchestrator/models/sse.h"
#include "tests/unit/unit.h"

typedef struct Heard {
        TextBuilder text; /* type=data;id| of each event */
        int stop_after;
} Heard;

static bool hear(void *listener, const SseEvent *event) {
        Heard *heard = listener;
        ck_assert(text_is_utf8(event->data));
        text_add(&heard->text, event->type);
        text_add_char(&heard->text, '=');
        text_add(&heard->text, event->data);
        if (event->id.length > 0) {
                text_add_char(&heard->text, ';');
                text_add(&heard->text, event->id);
        }
        text_add_char(&heard->text, '|');
        return heard->stop_after == 0 || --heard->stop_after > 0;
}

typedef struct Case {
        Text stream, heard;
} Case;

static const Case cases[] = {
        { { "data: a\n\n", 9 }, { "message=a|", 10 } },
        { { "data: a\r\n\r\n", 11 }, { "message=a|", 10 } },
        { { "data: a\r\r", 9 }, { "message=a|", 10 } },
        { { "data: a\r\n\ndata:b\r\r\n", 18 }, { "message=a|message=b|", 20 } },
        { { "data:a\ndata: b\ndata:  c\n\n", 25 }, { "message=a\nb\n c|", 15 } },
        { { "data\n\ndata\ndata\n\ndata:", 22 }, { "message=|message=\n|", 19 } },
        { { ": a comment\n\n:\ndata: x\n\n", 24 }, { "message=x|", 10 } },
        { { "event: done\ndata: x\n\ndata: y\n\n", 31 }, { "done=x|message=y|", 17 } },
        { { "event: lost\n\ndata: y\n\n", 22 }, { "message=y|", 10 } },
        { { "id: 7\ndata: x\n\ndata: y\n\nid\ndata: z\n\n", 37 }, { "message=x;7|message=y;7|message=z|", 34 } },
        { { "id: a\0b\ndata: x\n\n", 17 }, { "message=x|", 10 } },
        { { "retry: 10\nunknown: 1\nno colon\ndata: x\n\n", 39 }, { "message=x|", 10 } },
        { { "\xEF\xBB\xBF"
            "data: x\n\n",
            12 },
          { "message=x|", 10 } },
        { { "data: x\n\xEF\xBB\xBF"
            "data: y\n\n",
            20 },
          { "message=x|", 10 } },
        { { "data: x\ndata: lost at the end", 29 }, { "", 0 } },
        { { "data: \xE2\x82\xAC\xF0\x9F\x99\x82\n\n", 15 }, { "message=\xE2\x82\xAC\xF0\x9F\x99\x82|", 16 } },
        { { "data: \xE2\x82!\n\n", 11 }, { "message=\xEF\xBF\xBD\xEF\xBF\xBD!|", 16 } },
        { { "data: {\"a\": \"b:c\"}\n\n", 20 }, { "message={\"a\": \"b:c\"}|", 21 } },
};

/* The stream in pieces of `size`, the first of `offset` bytes. */
static void check_split(const Case *expected, size_t offset, size_t size) {
        Heard heard = { .text = text_builder(0) };
        _cleanup_(sse_freep) SseParser *parser = sse_new(SSE_LINE_LIMIT, hear, &heard);
        Text rest = expected->stream;
        Failure failure;

        for (size_t next = offset; rest.length > 0; next = size) {
                const size_t length = next < rest.length ? next : rest.length;
                ck_assert_done(sse_push(parser, (Text){ rest.bytes, length }, &failure), failure);
                rest = (Text){ rest.bytes + length, rest.length - length };
        }
        ck_assert_text(text_built(&heard.text), expected->heard);
        text_builder_release(&heard.text);
}

START_TEST(events_are_the_same_wherever_the_stream_is_split) {
        for (size_t i = 0; i < COUNT_OF(cases); i++)
                for (size_t size = 1; size <= cases[i].stream.length; size++)
                        for (size_t offset = 1; offset <= size; offset++)
                                check_split(&cases[i], offset, size);
}
END_TEST

static bool push_line(SseParser *parser, const char *begin, size_t length, Failure *ret_failure) {
        static const char filler[4096] = { 0 };
        if (!sse_push(parser, text_of(begin), ret_failure))
                return false;
        for (; length > 0; length -= length < sizeof(filler) ? length : sizeof(filler))
                if (!sse_push(parser, (Text){ filler, length < sizeof(filler) ? length : sizeof(filler) }, ret_failure))
                        return false;
        return sse_push(parser, TEXT("\n"), ret_failure);
}

START_TEST(a_line_beyond_the_limit_fails_for_good) {
        Heard heard = { .text = text_builder(0) };
        Failure failure;
        _cleanup_(sse_freep) SseParser *parser = sse_new(10000, hear, &heard);
        ck_assert_done(push_line(parser, ":", 9000, &failure), failure);
        ck_assert(!push_line(parser, ":", 10000, &failure));
        ck_assert_int_eq(failure.kind, FAILURE_TOO_LARGE);
        ck_assert(!sse_push(parser, TEXT("\n\ndata: a\n\n"), &failure));
        ck_assert_int_eq(failure.kind, FAILURE_TOO_LARGE);
        ck_assert_uint_eq(heard.text.length, 0);
}
END_TEST

START_TEST(an_event_of_many_lines_has_the_same_limit) {
        Heard heard = { .text = text_builder(0) };
        Failure failure;
        _cleanup_(sse_freep) SseParser *parser = sse_new(100, hear, &heard);
        bool ok = true;
        for (int i = 0; i < 12 && ok; i++)
                ok = sse_push(parser, TEXT("data: 0123456789\n"), &failure);
        ck_assert(!ok);
        ck_assert_int_eq(failure.kind, FAILURE_TOO_LARGE);
        ck_assert_uint_eq(heard.text.length, 0);
}
END_TEST

START_TEST(a_listener_that_stops_hears_no_more) {
        Heard heard = { .text = text_builder(0), .stop_after = 2 };
        Failure failure;
        _cleanup_(sse_freep) SseParser *parser = sse_new(100, hear, &heard);
        ck_assert(!sse_push(parser, TEXT("data: 1\n\ndata: 2\n\ndata: 3\n\n"), &failure));
        ck_assert_int_eq(failure.kind, FAILURE_CANCELLED);
        ck_assert(!sse_push(parser, TEXT("data: 4\n\n"), &failure));
        ck_assert_text(text_built(&heard.text), TEXT("message=1|message=2|"));
        text_builder_release(&heard.text);
}
END_TEST

UNIT_TESTS("models/sse", events_are_the_same_wherever_the_stream_is_split, a_line_beyond_the_limit_fails_for_good,
           an_event_of_many_lines_has_the_same_limit, a_listener_that_stops_hears_no_more)
