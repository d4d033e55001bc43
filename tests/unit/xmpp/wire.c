#include "tests/unit/xmpp/wire.h"

#include "xmpp/namespaces.h"
#include "xmpp/reader.h"
#include "xmpp/writer.h"

const Element *wire_parse(const char *xml, Arena **ret_arena) {
        _cleanup_(reader_freep) Reader *reader = reader_new(READER_LIMITS);
        ReaderEvent event;
        reader_feed(reader, TEXT("<stream xmlns='" NS_COMPONENT "'>"));
        ck_assert(reader_next(reader, &event));
        arena_free(event.arena);
        reader_feed(reader, text_of(xml));
        ck_assert_msg(reader_next(reader, &event) && event.kind == READER_ELEMENT, "%s: %s", xml, event.failure.text);
        *ret_arena = event.arena;
        return event.element;
}

Stanza wire_read(const char *xml, Arena **ret_arena) {
        Stanza stanza;
        Failure failure;
        ck_assert_done(stanza_read(wire_parse(xml, ret_arena), &stanza, &failure), failure);
        return stanza;
}

Text wire_element(const Element *element, TextBuilder *out) {
        text_builder_reset(out);
        element_write(out, element, TEXT(NS_COMPONENT));
        return text_built(out);
}

Text wire_write(const OutgoingList *list, TextBuilder *out) {
        Failure failure;
        ck_assert(!list->incomplete);
        text_builder_reset(out);
        for (const Outgoing *one = list->first; one; one = one->next) {
                ck_assert_done(stanza_stamp(one, TEXT("agents.localhost"), &failure), failure);
                element_write(out, one->element, TEXT(NS_COMPONENT));
        }
        return text_built(out);
}
