/* XEP-0077: In-Band Registration with a service, as structs: somebody asks what a registration takes, sends it, or
 * wants to end it; and what is answered. Not passwords: nobody logs in here. A client that knows data forms (§4) is
 * shown one, and one that does not fills in <username/>, <name/> and <key/>.
 *
 * Everything points into the element's arena. Any thread; never blocks.
 */
#pragma once

#include "xmpp/stanza.h"

typedef enum RegistrationWish {
        REGISTRATION_ASKED,    /* get */
        REGISTRATION_SENT,     /* set: name, title and code as far as they are there */
        REGISTRATION_REMOVE,   /* §3.2 */
        REGISTRATION_GIVEN_UP, /* a form of type cancel */
} RegistrationWish;

typedef struct RegistrationRequest {
        RegistrationWish wish;
        Text name;  /* short, of what is registered: <username/> */
        Text title; /* for people: <name/> */
        Text code;  /* of an invitation: <key/>, in a form x-code (XEP-0068 §3.4) */
} RegistrationRequest;

typedef struct RegistrationOffer {
        Text instructions;
        bool registered; /* then as what: */
        Text name, title;
        bool code_needed;
} RegistrationOffer;

/* An iq get or set whose payload is a registration. */
bool registration_is(const Stanza *iq);
/* FAILURE_INVALID: its form is no form. */
bool registration_read(const Stanza *iq, RegistrationRequest *ret_request, Failure *reterr_failure) _must_check_;
void registration_add_offer(OutgoingList *list, Arena *arena, const Stanza *iq, const RegistrationOffer *offer);
