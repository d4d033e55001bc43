#include "component/doors/contact.h"
#include "component/doors/message.h"
#include "tests/fuzz/fuzz.h"
#include "xmpp/extensions.h"
#include "xmpp/reader.h"
#include "xmpp/writer.h"

#define DOMAIN "agents.localhost"
#define HEADER "<stream:stream xmlns='" NS_COMPONENT "' xmlns:stream='" NS_STREAMS "' id='1'>"

/* Small, so that they are reached. */
static const ReaderLimits limits = { 2048, 6, 8, 8, 16384 };

static void release(ReaderEvent *event) {
        if (event->arena)
                arena_free(event->arena);
}

/* What we would send is taken by a parser, and comes from us. */
static void check_outgoing(const OutgoingList *list, TextBuilder *out) {
        _cleanup_(reader_freep) Reader *reader = reader_new(READER_LIMITS);
        ReaderEvent event;
        size_t count = 0;
        text_builder_reset(out);
        text_add(out, TEXT(HEADER));
        for (const Outgoing *one = list->first; one; one = one->next) {
                Failure failure;
                if (!stanza_stamp(one, TEXT(DOMAIN), &failure))
                        continue;
                element_write(out, one->element, TEXT(NS_COMPONENT));
                count++;
        }
        reader_feed(reader, text_built(out));
        while (reader_next(reader, &event)) {
                Stanza stanza;
                PROMISE(event.kind == READER_OPENED || event.kind == READER_ELEMENT);
                if (event.kind == READER_ELEMENT) {
                        PROMISE(stanza_read(event.element, &stanza, NULL));
                        PROMISE(text_equal(stanza.from.domain, TEXT(DOMAIN)));
                        count--;
                }
                release(&event);
        }
        PROMISE(count == 0);
}

static void answer_message(const Stanza *stanza, Arena *arena) {
        _cleanup_(text_builder_release) TextBuilder out = text_builder(0);
        OutgoingList list = { NULL };
        const Message message = message_read(stanza);
        const ReplyTo reply_to = { .agent = message.agent.bare,
                                   .address = message.sender.full,
                                   .thread = message.thread,
                                   .stanza_id = message.id,
                                   .quoted_id = message.origin_id,
                                   .states = message.wants_states };
        Text reactions[4];
        Uuid uuid = { { 0 } };
        PROMISE(stanza->type != TYPE_ERROR || message.meaning == MESSAGE_BOUNCE || message.meaning == MESSAGE_IGNORED);
        message_answer_id(message.receipt_for, &uuid);
        message_add_receipt(&list, arena, &reply_to);
        message_add_answer(&list, arena, &reply_to, uuid, message.body, FAILURE_LIMIT, true);
        message_add_refusal(&list, arena, &reply_to, FAILURE_NOT_FOUND, message.body);
        message_add_displayed(&list, arena, &reply_to);
        message_add_unreadable(&list, arena, &reply_to, uuid);
        check_outgoing(&list, &out);
        if (message.reactions)
                PROMISE(reactions_list(message.reactions, reactions, COUNT_OF(reactions)) <= COUNT_OF(reactions));
}

/* Two agents that anybody may see. */
static bool next_agent(void *left, ContactItem *ret_item) {
        size_t *count = left;
        *ret_item = (ContactItem){ .local = *count > 1 ? TEXT("b") : TEXT("a"), .name = TEXT("n") };
        return *count > 0 && (*count)--;
}

static void answer_contact(const Stanza *stanza, Arena *arena) {
        size_t left = 2;
        const ContactView views[] = {
                { .seen = true, .active = true, .name = { "n", 1 } },
                { .seen = true, .hub = true, .next_agent = next_agent, .agents = &left },
                { .active = true, .name = { "n", 1 }, .status = { "s", 1 } }, /* hidden: must look absent */
                { .seen = false },
        };
        _cleanup_(text_builder_release) TextBuilder hidden = text_builder(0), absent = text_builder(0);
        for (size_t i = 0; i < COUNT_OF(views); i++) {
                OutgoingList list = { NULL };
                contact_add_answer(&list, arena, stanza, &views[i]);
                check_outgoing(&list, i == 2 ? &hidden : &absent);
        }
        PROMISE(text_equal(text_built(&hidden), text_built(&absent)));
}

static void take_event(const ReaderEvent *event) {
        Stanza stanza;
        Failure failure;
        PROMISE(event->kind != READER_ELEMENT || event->bytes <= limits.stanza_bytes);
        if (event->kind == READER_BROKEN)
                PROMISE(event->failure.text[0] != '\0');
        if ((event->kind != READER_ELEMENT && event->kind != READER_OVER_LIMIT) ||
            !stanza_read(event->element, &stanza, &failure))
                return;
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        OutgoingList list = { NULL };
        _cleanup_(text_builder_release) TextBuilder out = text_builder(0);
        outgoing_add_error(&list, arena, &stanza, FAILURE_TOO_LARGE, text_of(event->limit));
        check_outgoing(&list, &out);
        if (stanza.kind == STANZA_MESSAGE)
                answer_message(&stanza, arena);
        else
                answer_contact(&stanza, arena);
}

/* The first byte is the size of the pieces in which the rest arrives; 0 = at once. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        _cleanup_(reader_freep) Reader *reader = reader_new(limits);
        if (size == 0)
                return 0;
        Text rest = { (const char *) bytes + 1, size - 1 };
        reader_feed(reader, TEXT(HEADER));
        while (rest.length > 0) {
                ReaderEvent event;
                size_t piece = bytes[0] > 0 && bytes[0] < rest.length ? bytes[0] : rest.length;
                reader_feed(reader, (Text){ rest.bytes, piece });
                rest = (Text){ rest.bytes + piece, rest.length - piece };
                while (reader_next(reader, &event)) {
                        take_event(&event);
                        release(&event);
                }
        }
        return 0;
}
