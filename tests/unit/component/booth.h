/* A command door without a database: people ask it in stanzas, the desk is this test, which answers what the gate would
 * say. For tests of the door; one door at a time.
 */
#pragma once

#include "component/doors/command.h"
#include "orchestrator/operations/offer.h"
#include "tests/unit/unit.h"

#define HUB   "agents.localhost"
#define AGENT "support.acme@agents.localhost"
#define ANN   "ann@home.example/phone"

typedef struct Booth {
        CommandDoor *door;
        Moment now;
        CommandAsker asker;
        /* What the gate says. */
        Text tenants[3];
        size_t tenant_count;
        bool refuses; /* offers nothing */
        const char *result;
        FailureKind failure;
        const char *failure_text;
        /* What it was asked last, by operation_call(). */
        char input[4096], tenant[64], key[128], operation[64], principal[64];
        bool platform;
        size_t runs;
        /* The desk. */
        bool holds; /* answers nothing until booth_release() */
        bool full;
        DeskCall *held[128];
        size_t held_count;
        TextBuilder said; /* everything since the last stanza, without the envelope's addresses */
} Booth;

Booth *booth_open(SessionLimits limits);
void booth_close(Booth *one);
void booth_release(Booth *one);

/* What was said since the last stanza. */
const char *booth_said(Booth *one);
/* What is answered to a stanza, as XML; "" when nothing is. It lives until the next one. */
const char *booth_send(Booth *one, const char *xml);
/* An iq with a <command/>. action, session and form may be NULL; form is what stands in <x/> of type submit, or all of
 * it when it begins with '<x'. */
const char *booth_ask(Booth *one, const char *from, const char *to, const char *node, const char *session,
                      const char *action, const char *form);
/* Begins a command as ann and keeps its session's id. */
const char *booth_begin(Booth *one, const char *to, const char *node, char ret_session[static SESSION_ID_SIZE]);
const char *booth_step(Booth *one, const char *to, const char *node, const char *session, const char *action,
                       const char *form);

/* The test fails unless it is there, or is not. */
void booth_expect(const char *said, const char *part);
void booth_expect_no(const char *said, const char *part);
void booth_expect_expired(const char *said);

#define FIELD(name, value) "<field var='" name "'><value>" value "</value></field>"
