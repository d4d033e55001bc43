#include "component/doors/command.h"
#include "orchestrator/operations/offer.h"
#include "tests/fuzz/fuzz.h"
#include "xmpp/namespaces.h"
#include "xmpp/reader.h"
#include "xmpp/writer.h"

#define DOMAIN  "agents.localhost"
#define HEADER  "<stream:stream xmlns='" NS_COMPONENT "' xmlns:stream='" NS_STREAMS "' id='1'>"
#define RESULT  "{\"name\":\"a\",\"items\":[\"b\",{\"c\":null}],\"text\":\"d\\ne\",\"number\":1.5,\"yes\":true}"
#define PAGE    "{\"has_more\":true,\"after\":\"b\",\"data\":[{\"name\":\"a\",\"state\":null},{\"name\":\"b\"}]}"
#define SESSION "S" /* in an input: the session that was opened last */

static const ReaderLimits limits = { 8192, 8, 64, 16, 65536 };
static const SessionLimits few = { 600 * SECONDS, 60 * SECONDS, 2, 3, 4, 4096 };

typedef struct Desktop {
        CommandDoor *door;
        Moment now;
        DeskCall *call; /* that is being worked on */
        char session[SESSION_ID_SIZE];
        size_t asked, answered;
} Desktop;

/* In place of the gate's. */
bool operations_offered(Operations *operations, const Caller *caller, Text agent, Arena *arena,
                        const OperationOffer **ret_offers, size_t *ret_count, Failure *reterr_failure) {
        OperationOffer *offers = arena_take_array(arena, OperationOffer, 1);
        (void) operations, (void) caller, (void) agent, (void) reterr_failure;
        PROMISE(offers);
        offers[0].operation = operation_catalogue[0];
        *ret_offers = offers;
        *ret_count = 1;
        return true;
}

bool operation_offered(Operations *operations, const Caller *caller, const Operation *operation, Text agent,
                       Arena *arena, OperationOffer *ret_offer, Failure *reterr_failure) {
        static const Text tenants[] = { { "acme", 4 }, { "other", 5 } };
        (void) operations, (void) arena, (void) reterr_failure;
        *ret_offer = (OperationOffer){ operation, tenants, agent.length > 0 || caller->platform ? 0 : 2 };
        return true;
}

static bool submit(void *owner, DeskCall *call) {
        Desktop *desktop = owner;
        if (desktop->call)
                return false;
        desktop->call = call;
        return true;
}

/* What we would send is taken by a parser; a session in it is remembered. */
static void check_answers(Desktop *desktop, const OutgoingList *list) {
        _cleanup_(reader_freep) Reader *reader = reader_new(READER_LIMITS);
        _cleanup_(text_builder_release) TextBuilder out = text_builder(0);
        ReaderEvent event;
        PROMISE(!list->incomplete);
        text_add(&out, TEXT(HEADER));
        for (const Outgoing *one = list->first; one; one = one->next) {
                Failure failure;
                PROMISE(stanza_stamp(one, TEXT(DOMAIN), &failure));
                element_write(&out, one->element, TEXT(NS_COMPONENT));
                desktop->answered++;
        }
        reader_feed(reader, text_built(&out));
        while (reader_next(reader, &event)) {
                PROMISE(event.kind == READER_OPENED || event.kind == READER_ELEMENT);
                const Element *command = event.element->children;
                Text session = command ? element_get(command, TEXT("sessionid")) : TEXT_NONE;
                if (session.length == SESSION_ID_SIZE - 1)
                        memcpy(desktop->session, session.bytes, session.length);
                arena_free(event.arena);
        }
}

static void finished(void *owner, CommandJob *job) {
        Desktop *desktop = owner;
        _cleanup_(arena_freep) Arena *room = arena_new((size_t) 4 * 1024 * 1024);
        OutgoingList list = { NULL };
        if (command_finish(desktop->door, job, desktop->now, room, &list))
                return;
        check_answers(desktop, &list);
        command_job_free(job);
}

/* Reads succeed, changes too, but what destroys fails. */
static void work(Desktop *desktop) {
        while (desktop->call) {
                DeskCall *call = desktop->call;
                desktop->call = NULL;
                if (call->work)
                        PROMISE(call->work(call, NULL));
                else if (call->operation->effect == EFFECT_DESTROY)
                        failure_set(&call->failure, FAILURE_CONFLICT, "no");
                else
                        PROMISE(json_parse(call->operation->columns ? TEXT(PAGE) : TEXT(RESULT), 0, &call->result,
                                           &call->failure));
                call->done(call);
        }
}

static void name_session(const Desktop *desktop, Element *iq) {
        Element *command = iq->children;
        if (command && text_equal(element_get(command, TEXT("sessionid")), TEXT(SESSION)))
                element_set(command, TEXT("sessionid"), text_copy(iq->arena, text_of(desktop->session)));
}

/* True: the arena is not ours any more. */
static bool take(Desktop *desktop, Element *element, Arena *arena) {
        const CommandAsker asker = { .platform = element->attribute_count % 2, .known = element->child_count % 2 };
        _cleanup_(arena_freep) Arena *room = arena_new((size_t) 4 * 1024 * 1024);
        OutgoingList list = { NULL };
        Stanza *stanza = arena_take(arena, sizeof(*stanza));
        Failure failure;
        name_session(desktop, element);
        if (!stanza || !stanza_read(element, stanza, &failure) || !text_equal(stanza->to.domain, TEXT(DOMAIN)) ||
            !command_is_for(stanza))
                return false;
        desktop->asked++;
        bool taken = command_take(desktop->door, &asker, stanza, arena, desktop->now, room, &list);
        check_answers(desktop, &list);
        return taken;
}

/* Stanzas, one after the other; each is answered once. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        _cleanup_(reader_freep) Reader *reader = reader_new(limits);
        Desktop desktop = { .now = { 1, 1 } };
        CommandDoorSettings settings = { few, submit, finished, &desktop };
        ReaderEvent event;
        desktop.door = command_door_new(&settings);
        reader_feed(reader, TEXT(HEADER));
        reader_feed(reader, (Text){ (const char *) bytes, size });
        while (reader_next(reader, &event)) {
                bool taken = event.kind == READER_ELEMENT && take(&desktop, event.element, event.arena);
                if (!taken && event.arena)
                        arena_free(event.arena);
                work(&desktop);
                desktop.now.monotonic_us += SECONDS;
        }
        PROMISE(desktop.asked == desktop.answered);
        command_door_free(desktop.door);
        return 0;
}
