#include "tests/unit/component/booth.h"

#include "xmpp/namespaces.h"
#include "xmpp/reader.h"
#include "xmpp/writer.h"

#include <stdio.h>

static Booth *booth;

/* In place of the gate's, which asks the database. */
bool operations_offered(Operations *operations, const Caller *caller, Text agent, Arena *arena,
                        const OperationOffer **ret_offers, size_t *ret_count, Failure *reterr_failure) {
        OperationOffer *offers = arena_take_array(arena, OperationOffer, 2);
        (void) operations, (void) caller, (void) reterr_failure;
        offers[0] = (OperationOffer){ operation_find(TEXT("agent-pause")), booth->tenants, booth->tenant_count };
        offers[1] = (OperationOffer){ operation_find(agent.length > 0 ? TEXT("agent-resume") : TEXT("agent-list")),
                                      booth->tenants, booth->tenant_count };
        *ret_offers = offers;
        *ret_count = booth->refuses ? 0 : 2;
        return true;
}

bool operation_offered(Operations *operations, const Caller *caller, const Operation *operation, Text agent,
                       Arena *arena, OperationOffer *ret_offer, Failure *reterr_failure) {
        (void) operations, (void) caller, (void) agent, (void) arena;
        if (booth->refuses)
                return failure_set(reterr_failure, FAILURE_FORBIDDEN, "%s is not for you here", operation->name);
        *ret_offer = (OperationOffer){ operation, booth->tenants, agent.length > 0 ? 0 : booth->tenant_count };
        return true;
}

static void run_operation(DeskCall *call) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        Text input;
        ck_assert(json_canonical(call->input, arena, &input));
        snprintf(booth->input, sizeof(booth->input), "%.*s", TEXT_ARGUMENTS(input));
        snprintf(booth->tenant, sizeof(booth->tenant), "%.*s", TEXT_ARGUMENTS(call->caller.tenant));
        snprintf(booth->key, sizeof(booth->key), "%.*s", TEXT_ARGUMENTS(call->caller.request_key));
        snprintf(booth->principal, sizeof(booth->principal), "%.*s", TEXT_ARGUMENTS(call->caller.principal));
        snprintf(booth->operation, sizeof(booth->operation), "%s", call->operation->name);
        booth->platform = call->caller.platform;
        booth->runs++;
        ck_assert_str_eq(call->caller.door, "command");
        if (booth->failure != FAILURE_NONE)
                failure_set(&call->failure, booth->failure, "%s", booth->failure_text);
        else
                ck_assert(json_parse(text_of(booth->result), 0, &call->result, &call->failure));
}

static void run_call(DeskCall *call) {
        if (!call->work)
                run_operation(call);
        else
                (void) !call->work(call, NULL);
        call->done(call);
}

static bool submit(void *owner, DeskCall *call) {
        (void) owner;
        if (booth->full)
                return false;
        ck_assert_int_lt(booth->held_count, COUNT_OF(booth->held));
        booth->held[booth->held_count++] = call;
        return true;
}

static void add_answers(const OutgoingList *list) {
        Failure failure;
        ck_assert(!list->incomplete);
        for (const Outgoing *one = list->first; one; one = one->next) {
                ck_assert_done(stanza_stamp(one, TEXT(HUB), &failure), failure);
                element_write(&booth->said, one->element, TEXT(NS_COMPONENT));
        }
}

static void finished(void *owner, CommandJob *job) {
        _cleanup_(arena_freep) Arena *room = arena_new((size_t) 4 * 1024 * 1024);
        OutgoingList list = { NULL };
        (void) owner;
        ck_assert_text(command_job_domain(job), TEXT(HUB));
        if (command_finish(booth->door, job, booth->now, room, &list))
                return;
        add_answers(&list);
        command_job_free(job);
}

void booth_release(Booth *one) {
        while (one->held_count > 0) {
                DeskCall *call = one->held[0];
                memmove(one->held, one->held + 1, --one->held_count * sizeof(one->held[0]));
                run_call(call);
        }
}

Booth *booth_open(SessionLimits limits) {
        CommandDoorSettings settings = { limits, submit, finished, NULL };
        booth = memory_new(sizeof(*booth));
        booth->door = command_door_new(&settings);
        booth->now = (Moment){ 1000 * SECONDS, 1000 * SECONDS };
        booth->asker.known = true;
        booth->said = text_builder(0);
        booth->result = "{\"name\":\"support\",\"state\":\"paused\"}";
        booth->tenants[0] = TEXT("acme");
        booth->tenants[1] = TEXT("other");
        booth->tenants[2] = TEXT("third");
        booth->tenant_count = 1;
        return booth;
}

void booth_close(Booth *one) {
        booth_release(one);
        command_door_free(one->door);
        text_builder_release(&one->said);
        free(one);
}

/* Quotation marks as they are. */
const char *booth_said(Booth *one) {
        static const struct {
                const char *escaped;
                char plain;
        } marks[] = { { "&apos;", '\'' }, { "&quot;", '"' } };
        for (size_t i = 0; i < COUNT_OF(marks); i++)
                for (char *at = one->said.bytes; (at = strstr(at, marks[i].escaped));) {
                        *at++ = marks[i].plain;
                        memmove(at, at + strlen(marks[i].escaped) - 1, strlen(at + strlen(marks[i].escaped) - 1) + 1);
                }
        return one->said.bytes;
}

const char *booth_send(Booth *one, const char *xml) {
        _cleanup_(reader_freep) Reader *reader = reader_new(READER_LIMITS);
        _cleanup_(arena_freep) Arena *room = arena_new((size_t) 4 * 1024 * 1024);
        ReaderEvent event;
        OutgoingList list = { NULL };
        reader_feed(reader, TEXT("<stream xmlns='" NS_COMPONENT "'>"));
        ck_assert(reader_next(reader, &event));
        arena_free(event.arena);
        reader_feed(reader, text_of(xml));
        ck_assert_msg(reader_next(reader, &event) && event.kind == READER_ELEMENT, "%s", event.failure.text);
        Stanza *stanza = arena_take(event.arena, sizeof(*stanza));
        ck_assert_done(stanza_read(event.element, stanza, &event.failure), event.failure);
        text_builder_reset(&one->said);
        ck_assert_msg(command_is_for(stanza), "%s", xml);
        bool taken = command_take(one->door, &one->asker, stanza, event.arena, one->now, room, &list);
        add_answers(&list);
        if (!taken)
                arena_free(event.arena);
        if (!one->holds)
                booth_release(one);
        return one->said.length > 0 ? booth_said(one) : "";
}

static void add_attribute(TextBuilder *xml, const char *name, const char *value) {
        if (value)
                text_add_format(xml, " %s='%s'", name, value);
}

const char *booth_ask(Booth *one, const char *from, const char *to, const char *node, const char *session,
                      const char *action, const char *form) {
        _cleanup_(text_builder_release) TextBuilder xml = text_builder(0);
        text_add_format(&xml, "<iq type='set' id='1' from='%s' to='%s'><command xmlns='" NS_COMMANDS "'", from, to);
        add_attribute(&xml, "node", node);
        add_attribute(&xml, "sessionid", session);
        add_attribute(&xml, "action", action);
        if (form && strncmp(form, "<x", 2) == 0)
                text_add_format(&xml, ">%s</command></iq>", form);
        else if (form)
                text_add_format(&xml, "><x xmlns='jabber:x:data' type='submit'>%s</x></command></iq>", form);
        else
                text_add_string(&xml, "/></iq>");
        return booth_send(one, xml.bytes);
}

const char *booth_begin(Booth *one, const char *to, const char *node, char ret_session[static SESSION_ID_SIZE]) {
        const char *said = booth_ask(one, ANN, to, node, NULL, "execute", NULL);
        const char *at = strstr(said, "sessionid='");
        ck_assert_msg(at, "no session in %s", said);
        memcpy(ret_session, at + strlen("sessionid='"), SESSION_ID_SIZE - 1);
        ret_session[SESSION_ID_SIZE - 1] = '\0';
        return said;
}

const char *booth_step(Booth *one, const char *to, const char *node, const char *session, const char *action,
                       const char *form) {
        return booth_ask(one, ANN, to, node, session, action, form);
}

void booth_expect(const char *said, const char *part) {
        ck_assert_msg(strstr(said, part), "%s is not in %.3000s", part, said);
}

void booth_expect_no(const char *said, const char *part) {
        ck_assert_msg(!strstr(said, part), "%s is in %.3000s", part, said);
}

void booth_expect_expired(const char *said) {
        booth_expect(said, "type='error'");
        booth_expect(said, "<not-allowed ");
        booth_expect(said, "<session-expired xmlns='http://jabber.org/protocol/commands'/>");
}
