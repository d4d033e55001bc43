#include "tests/unit/unit.h"

#include "base/clock.h"
#include "xmpp/namespaces.h"
#include "xmpp/reader.h"

#define HEADER                                                                                                         \
        "<?xml version='1.0'?><stream:stream xmlns='" NS_COMPONENT "' xmlns:stream='" NS_STREAMS                       \
        "' id='s1' from='agents.localhost'>"
#define PROBE "<message from='a@b/c' to='d@e' id='probe' type='chat'><body>still here</body></message>"

/* A reader past the stream's header. */
static Reader *opened(void) {
        Reader *reader = reader_new(READER_LIMITS);
        ReaderEvent event;
        reader_feed(reader, TEXT(HEADER));
        ck_assert(reader_next(reader, &event));
        ck_assert_int_eq(event.kind, READER_OPENED);
        arena_free(event.arena);
        return reader;
}

/* The next event must be of that kind; its arena is kept by the caller's list. */
static ReaderEvent expect(Reader *reader, ReaderEventKind kind) {
        ReaderEvent event;
        ck_assert_msg(reader_next(reader, &event), "no event");
        ck_assert_msg(event.kind == kind, "event %d instead of %d: %s", event.kind, kind, event.failure.text);
        return event;
}

static void release(ReaderEvent *event) {
        if (event->arena)
                arena_free(event->arena);
}

/* The stream goes on after whatever came before. */
static void expect_probe(Reader *reader) {
        ReaderEvent event;
        reader_feed(reader, TEXT(PROBE));
        event = expect(reader, READER_ELEMENT);
        ck_assert_text(element_get(event.element, TEXT("id")), TEXT("probe"));
        ck_assert_text(event.element->children->text, TEXT("still here"));
        release(&event);
        ck_assert(!reader_next(reader, &event));
}

START_TEST(header_tells_id_and_namespace) {
        _cleanup_(reader_freep) Reader *reader = reader_new(READER_LIMITS);
        reader_feed(reader, TEXT(HEADER));
        ReaderEvent event = expect(reader, READER_OPENED);
        ck_assert(element_is(event.element, TEXT("stream"), TEXT(NS_STREAMS)));
        ck_assert_text(element_get(event.element, TEXT("id")), TEXT("s1"));
        ck_assert_text(element_get(event.element, TEXT("xmlns")), TEXT(NS_COMPONENT));
        release(&event);
}
END_TEST

START_TEST(namespaces_follow_prefixes_and_defaults) {
        _cleanup_(reader_freep) Reader *reader = opened();
        reader_feed(reader, TEXT("<message xmlns:x='urn:x'><x:a><b/></x:a><c xmlns='urn:c'><d/><x:e/></c><f/>"
                                 "<g xmlns:x='urn:y'><x:h/></g><x:i/></message><stream:error/>"));
        ReaderEvent event = expect(reader, READER_ELEMENT);
        const Element *message = event.element, *c;
        ck_assert_text(message->space, TEXT(NS_COMPONENT));
        const Element *a = element_child(message, TEXT("a"), TEXT("urn:x"));
        ck_assert_ptr_nonnull(a);
        ck_assert_ptr_nonnull(element_child(a, TEXT("b"), TEXT(NS_COMPONENT)));
        c = element_child(message, TEXT("c"), TEXT("urn:c"));
        ck_assert_ptr_nonnull(c);
        ck_assert_ptr_nonnull(element_child(c, TEXT("d"), TEXT("urn:c")));
        ck_assert_ptr_nonnull(element_child(c, TEXT("e"), TEXT("urn:x")));
        ck_assert_ptr_nonnull(element_child(message, TEXT("f"), TEXT_NONE));
        ck_assert_ptr_nonnull(element_child(element_child(message, TEXT("g"), TEXT_NONE), TEXT("h"), TEXT("urn:y")));
        ck_assert_ptr_nonnull(element_child(message, TEXT("i"), TEXT("urn:x")));
        release(&event);
        event = expect(reader, READER_ELEMENT);
        ck_assert(element_is(event.element, TEXT("error"), TEXT(NS_STREAMS)));
        release(&event);
}
END_TEST

START_TEST(stanza_outlives_its_reader) {
        Reader *reader = opened();
        reader_feed(reader, TEXT("<message id='1'><stream:x/><body>text</body></message>"));
        ReaderEvent event = expect(reader, READER_ELEMENT);
        reader_free(reader);
        ck_assert_text(event.element->space, TEXT(NS_COMPONENT));
        ck_assert_text(event.element->children->space, TEXT(NS_STREAMS));
        ck_assert_text(event.element->last_child->text, TEXT("text"));
        release(&event);
}
END_TEST

START_TEST(text_is_gathered_across_pieces_and_children) {
        _cleanup_(reader_freep) Reader *reader = opened();
        reader_feed(reader, TEXT("<message><body>a &lt;b&gt;&#10;c<i>in</i> d<![CDATA[ <e> ]]></body></message>"));
        ReaderEvent event = expect(reader, READER_ELEMENT);
        const Element *body = event.element->children;
        ck_assert_text(body->text, TEXT("a <b>\nc d <e> "));
        ck_assert_text(body->children->text, TEXT("in"));
        release(&event);
}
END_TEST

static const char varied[] = HEADER
        " \n<message from='a@b/c' to='d@e' type='chat' id='1'><body>H\xc3\xa4 &amp; \xf0\x9f\x98\x80</body>"
        "<request xmlns='urn:xmpp:receipts'/></message><presence from='x@y'/><iq type='get'><q:query "
        "xmlns:q='urn:q' node='n'>t<q:item/>u</q:query></iq></stream:stream>";

/* A line for each event, so that two ways of reading can be compared. */
static void describe_element(TextBuilder *out, const Element *element) {
        text_add_format(out, "(%.*s|%.*s|%.*s", TEXT_ARGUMENTS(element->name), TEXT_ARGUMENTS(element->space),
                        TEXT_ARGUMENTS(element->text));
        for (const Attribute *attribute = element->attributes; attribute; attribute = attribute->next)
                text_add_format(out, " %.*s=%.*s", TEXT_ARGUMENTS(attribute->name), TEXT_ARGUMENTS(attribute->value));
        for (const Element *child = element->children; child; child = child->next)
                describe_element(out, child);
        text_add_char(out, ')');
}

static void describe_events(TextBuilder *out, Reader *reader) {
        ReaderEvent event;
        while (reader_next(reader, &event)) {
                text_add_format(out, "%d ", event.kind);
                if (event.element)
                        describe_element(out, event.element);
                release(&event);
        }
}

START_TEST(feeding_byte_by_byte_gives_the_same) {
        _cleanup_(reader_freep) Reader *whole = reader_new(READER_LIMITS), *bytewise = reader_new(READER_LIMITS);
        _cleanup_(text_builder_release) TextBuilder at_once = text_builder(0), one_by_one = text_builder(0);
        reader_feed(whole, text_of(varied));
        describe_events(&at_once, whole);
        for (size_t i = 0; i < sizeof(varied) - 1; i++) {
                reader_feed(bytewise, (Text){ varied + i, 1 });
                describe_events(&one_by_one, bytewise);
        }
        ck_assert_text(text_built(&one_by_one), text_built(&at_once));
        ck_assert(text_built(&at_once).length > 300);
}
END_TEST

START_TEST(a_start_tag_of_9_kb_in_pieces_arrives_at_once) {
        _cleanup_(reader_freep) Reader *reader = opened();
        _cleanup_(text_builder_release) TextBuilder tag = text_builder(0);
        text_add_string(&tag, "<message id='");
        for (int i = 0; i < 9000 - 16; i++)
                text_add_char(&tag, 'x');
        text_add_string(&tag, "'/>");
        Text rest = text_built(&tag);
        while (rest.length > 0) {
                size_t piece = rest.length < 1448 ? rest.length : 1448;
                reader_feed(reader, (Text){ rest.bytes, piece });
                rest = (Text){ rest.bytes + piece, rest.length - piece };
        }
        ReaderEvent event = expect(reader, READER_ELEMENT);
        ck_assert_uint_eq(element_get(event.element, TEXT("id")).length, 8984);
        release(&event);
}
END_TEST

/* Over a limit */

static void add_times(TextBuilder *out, const char *piece, int times) {
        for (int i = 0; i < times; i++)
                text_add_string(out, piece);
}

#define BEGIN "<message from='a@b/c' to='d@e' id='m1' type='chat'"

/* An over-limit stanza is reported with its addresses, and the stream is kept. */
static void expect_over_limit(Text stanza, const char *limit) {
        _cleanup_(reader_freep) Reader *reader = opened();
        reader_feed(reader, stanza);
        ReaderEvent event = expect(reader, READER_OVER_LIMIT);
        ck_assert_str_eq(event.limit, limit);
        ck_assert_uint_eq(event.bytes, stanza.length);
        ck_assert_text(event.element->name, TEXT("message"));
        ck_assert_text(element_get(event.element, TEXT("from")), TEXT("a@b/c"));
        ck_assert_text(element_get(event.element, TEXT("to")), TEXT("d@e"));
        ck_assert_text(element_get(event.element, TEXT("id")), TEXT("m1"));
        ck_assert_text(element_get(event.element, TEXT("type")), TEXT("chat"));
        ck_assert_ptr_null(event.element->children);
        ck_assert_uint_lt(arena_used(event.arena), 4096);
        release(&event);
        expect_probe(reader);
}

START_TEST(children_over_the_limit_are_skipped) {
        _cleanup_(text_builder_release) TextBuilder stanza = text_builder(0);
        text_add_string(&stanza, BEGIN ">");
        add_times(&stanza, "<a/>", 1001);
        text_add_string(&stanza, "</message>");
        expect_over_limit(text_built(&stanza), "children");
}
END_TEST

START_TEST(attributes_over_the_limit_are_skipped) {
        _cleanup_(text_builder_release) TextBuilder stanza = text_builder(0);
        text_add_string(&stanza, BEGIN);
        for (int i = 0; i < 1000; i++)
                text_add_format(&stanza, " a%d='%d'", i, i);
        text_add_string(&stanza, "><body>x</body></message>");
        expect_over_limit(text_built(&stanza), "attributes");
}
END_TEST

START_TEST(namespace_prefixes_over_the_limit_are_skipped) {
        _cleanup_(text_builder_release) TextBuilder stanza = text_builder(0);
        text_add_string(&stanza, BEGIN ">");
        for (int level = 0; level < 3; level++) {
                text_add_string(&stanza, "<a");
                for (int i = 0; i < 30; i++)
                        text_add_format(&stanza, " xmlns:p%d_%d='urn:%d'", level, i, i);
                text_add_string(&stanza, ">");
        }
        text_add_string(&stanza, "</a></a></a></message>");
        expect_over_limit(text_built(&stanza), "attributes");
}
END_TEST

START_TEST(depth_over_the_limit_is_skipped) {
        _cleanup_(text_builder_release) TextBuilder stanza = text_builder(0);
        text_add_string(&stanza, BEGIN ">");
        add_times(&stanza, "<a>", 37000);
        add_times(&stanza, "</a>", 37000);
        text_add_string(&stanza, "</message>");
        expect_over_limit(text_built(&stanza), "depth");
}
END_TEST

START_TEST(size_over_the_limit_is_skipped) {
        _cleanup_(text_builder_release) TextBuilder text = text_builder(0), tags = text_builder(0),
                                                    ids = text_builder(0);
        text_add_string(&text, BEGIN "><body>");
        add_times(&text, "0123456789abcdef", 256 * 1024 / 16);
        text_add_string(&text, "</body></message>");
        expect_over_limit(text_built(&text), "size");
        text_add_string(&tags, BEGIN ">");
        for (int i = 0; i < 900; i++) {
                text_add_string(&tags, "<d a='");
                add_times(&tags, "0123456789abcdef", 20);
                text_add_string(&tags, "'/>");
        }
        text_add_string(&tags, "</message>");
        expect_over_limit(text_built(&tags), "size");
        text_add_string(&ids, BEGIN " x='");
        add_times(&ids, "0123456789abcdef", 256 * 1024 / 16);
        text_add_string(&ids, "'/>");
        expect_over_limit(text_built(&ids), "size");
}
END_TEST

START_TEST(many_small_elements_reach_the_memory_limit) {
        _cleanup_(text_builder_release) TextBuilder stanza = text_builder(0);
        text_add_string(&stanza, BEGIN ">");
        for (int i = 0; i < 60; i++) {
                text_add_string(&stanza, "<c>");
                add_times(&stanza, "<d/>", 990);
                text_add_string(&stanza, "</c>");
        }
        text_add_string(&stanza, "</message>");
        expect_over_limit(text_built(&stanza), "memory");
}
END_TEST

START_TEST(limits_themselves_are_allowed) {
        _cleanup_(reader_freep) Reader *reader = opened();
        _cleanup_(text_builder_release) TextBuilder stanza = text_builder(0);
        text_add_string(&stanza, "<message");
        for (int i = 0; i < 64; i++)
                text_add_format(&stanza, " a%d=''", i);
        text_add_string(&stanza, ">");
        add_times(&stanza, "<a>", 63);
        add_times(&stanza, "</a>", 63);
        add_times(&stanza, "<a/>", 999);
        size_t end = 256 * 1024 - strlen("<body></body></message>");
        text_add_string(&stanza, "</message>");
        reader_feed(reader, text_built(&stanza));
        ReaderEvent event = expect(reader, READER_ELEMENT);
        ck_assert_uint_eq(event.element->child_count, 1000);
        ck_assert_uint_eq(event.element->attribute_count, 64);
        release(&event);
        text_builder_reset(&stanza);
        text_add_string(&stanza, "<message><body>");
        while (stanza.length < end + strlen("<body>"))
                text_add_char(&stanza, 'x');
        text_add_string(&stanza, "</body></message>");
        ck_assert_uint_eq(stanza.length, 256 * 1024);
        reader_feed(reader, text_built(&stanza));
        event = expect(reader, READER_ELEMENT);
        ck_assert_uint_eq(event.bytes, 256 * 1024);
        release(&event);
}
END_TEST

START_TEST(overlong_ids_are_left_out_of_the_report) {
        _cleanup_(reader_freep) Reader *reader = opened();
        _cleanup_(text_builder_release) TextBuilder stanza = text_builder(0);
        text_add_string(&stanza, "<iq from='a@b/c' to='d@e' type='get' id='");
        add_times(&stanza, "0123456789abcdef", 256 * 1024 / 16);
        text_add_string(&stanza, "'/>");
        reader_feed(reader, text_built(&stanza));
        ReaderEvent event = expect(reader, READER_OVER_LIMIT);
        ck_assert_uint_eq(element_get(event.element, TEXT("id")).length, 0);
        ck_assert_text(element_get(event.element, TEXT("to")), TEXT("d@e"));
        release(&event);
        expect_probe(reader);
}
END_TEST

START_TEST(sixty_thousand_children_take_at_most_ten_milliseconds) {
        _cleanup_(text_builder_release) TextBuilder stanza = text_builder(0);
        int64_t best = INT64_MAX;
        text_add_string(&stanza, BEGIN ">");
        add_times(&stanza, "<a/>", 60000);
        text_add_string(&stanza, "</message>");
        for (int round = 0; round < 5; round++) {
                _cleanup_(reader_freep) Reader *reader = opened();
                int64_t started = unit_computed_us();
                reader_feed(reader, text_built(&stanza));
                int64_t took = unit_computed_us() - started;
                best = took < best ? took : best;
                ReaderEvent event = expect(reader, READER_OVER_LIMIT);
                release(&event);
                expect_probe(reader);
        }
        /* Sanitizers cost several times as much. */
        ck_assert_int_le(best, UNIT_SANITIZED ? 100 * MILLISECONDS : 10 * MILLISECONDS);
}
END_TEST

START_TEST(names_of_the_past_are_forgotten) {
        _cleanup_(reader_freep) Reader *reader = opened();
        _cleanup_(text_builder_release) TextBuilder stanza = text_builder(0);
        size_t most = 0;
        for (int round = 0; round < 400; round++) {
                ReaderEvent event;
                text_builder_reset(&stanza);
                text_add_string(&stanza, "<message>");
                for (int i = 0; i < 900; i++)
                        text_add_format(&stanza, "<n%d-%d a%d-%d=''/>", round, i, round, i);
                text_add_string(&stanza, "</message>" PROBE PROBE);
                reader_feed(reader, text_built(&stanza));
                for (int i = 0; i < 3; i++) {
                        event = expect(reader, READER_ELEMENT);
                        release(&event);
                }
                ck_assert(!reader_next(reader, &event));
                most = reader_memory(reader) > most ? reader_memory(reader) : most;
        }
        ck_assert_uint_lt(most, 8 * 1024 * 1024);
        expect_probe(reader);
        reader_feed(reader, TEXT("</stream:stream>"));
        expect(reader, READER_CLOSED);
}
END_TEST

START_TEST(depth_leaves_no_memory_behind) {
        _cleanup_(reader_freep) Reader *reader = opened();
        _cleanup_(text_builder_release) TextBuilder stanza = text_builder(0);
        text_add_string(&stanza, BEGIN ">");
        add_times(&stanza, "<a>", 37000);
        add_times(&stanza, "</a>", 37000);
        text_add_string(&stanza, "</message>");
        for (int round = 0; round < 3; round++) {
                reader_feed(reader, text_built(&stanza));
                ReaderEvent event = expect(reader, READER_OVER_LIMIT);
                release(&event);
                ck_assert_uint_lt(reader_memory(reader), 1024 * 1024);
        }
        expect_probe(reader);
}
END_TEST

/* What ends the stream */

static const struct {
        const char *bytes;
        const char *sentence; /* a part of it */
} broken[] = {
        { "<message><body>a</message>", "not well-formed" },
        { "<message><body>\x01</body></message>", "not well-formed" },
        { "<message><body>&#1;</body></message>", "not well-formed" },
        { "<message><body>\xef\xbf\xbf</body></message>", "not well-formed" },
        { "<message><body>\xff</body></message>", "not well-formed" },
        { "<message><body>\xc3</body></message>", "not well-formed" },
        { "<message><body>\xed\xa0\x80</body></message>", "not well-formed" },
        { "<message a='1' a='2'/>", "not well-formed" },
        { "<message><body>&entity;</body></message>", "not well-formed" },
        { "<message><x:body/></message>", "namespace prefix" },
        { "<!-- comment -->", "comment" },
        { "<message><!-- comment --></message>", "comment" },
        { "<?instruction?>", "processing instruction" },
        { "</stream>", "not well-formed" },
};

START_TEST(what_xmpp_forbids_breaks_the_stream) {
        for (size_t i = 0; i < COUNT_OF(broken); i++) {
                _cleanup_(reader_freep) Reader *reader = opened();
                ReaderEvent event;
                reader_feed(reader, text_of(broken[i].bytes));
                event = expect(reader, READER_BROKEN);
                ck_assert_msg(strstr(event.failure.text, broken[i].sentence), "%s: %s", broken[i].bytes,
                              event.failure.text);
                reader_feed(reader, TEXT(PROBE));
                ck_assert(!reader_next(reader, &event));
        }
}
END_TEST

START_TEST(document_types_and_entities_break_the_stream) {
        static const char *const headers[] = {
                "<!DOCTYPE a><a/>",
                "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
                "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
                "<?xml version='1.0'?><!DOCTYPE lolz [<!ENTITY lol 'lol'><!ENTITY l2 '&lol;&lol;'>]><lolz>&l2;</lolz>",
        };
        for (size_t i = 0; i < COUNT_OF(headers); i++) {
                _cleanup_(reader_freep) Reader *reader = reader_new(READER_LIMITS);
                reader_feed(reader, text_of(headers[i]));
                ReaderEvent event = expect(reader, READER_BROKEN);
                ck_assert_ptr_nonnull(strstr(event.failure.text, "document type"));
        }
}
END_TEST

START_TEST(an_endless_tag_breaks_the_stream) {
        _cleanup_(reader_freep) Reader *reader = opened();
        _cleanup_(text_builder_release) TextBuilder piece = text_builder(0);
        ReaderEvent event;
        add_times(&piece, "0123456789abcdef", 4096);
        reader_feed(reader, TEXT("<message id='"));
        int pieces = 0;
        while (!reader_next(reader, &event)) {
                reader_feed(reader, text_built(&piece));
                ck_assert_int_lt(++pieces, 100);
        }
        ck_assert_int_eq(event.kind, READER_BROKEN);
        ck_assert_ptr_nonnull(strstr(event.failure.text, "tag is larger"));
}
END_TEST

START_TEST(endless_depth_breaks_the_stream) {
        _cleanup_(reader_freep) Reader *reader = opened();
        _cleanup_(text_builder_release) TextBuilder piece = text_builder(0);
        ReaderEvent event;
        add_times(&piece, "<a>", 10000);
        int pieces = 0;
        while (!reader_next(reader, &event)) {
                reader_feed(reader, text_built(&piece));
                ck_assert_int_lt(++pieces, 100);
        }
        ck_assert_int_eq(event.kind, READER_BROKEN);
}
END_TEST

UNIT_TESTS("xmpp/reader", header_tells_id_and_namespace, namespaces_follow_prefixes_and_defaults,
           stanza_outlives_its_reader, text_is_gathered_across_pieces_and_children, feeding_byte_by_byte_gives_the_same,
           a_start_tag_of_9_kb_in_pieces_arrives_at_once, children_over_the_limit_are_skipped,
           attributes_over_the_limit_are_skipped, namespace_prefixes_over_the_limit_are_skipped,
           depth_over_the_limit_is_skipped, size_over_the_limit_is_skipped, many_small_elements_reach_the_memory_limit,
           limits_themselves_are_allowed, overlong_ids_are_left_out_of_the_report,
           sixty_thousand_children_take_at_most_ten_milliseconds, names_of_the_past_are_forgotten,
           depth_leaves_no_memory_behind, what_xmpp_forbids_breaks_the_stream,
           document_types_and_entities_break_the_stream, an_endless_tag_breaks_the_stream,
           endless_depth_breaks_the_stream)
