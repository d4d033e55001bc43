/* Stanzas: message, presence and iq as structs, read from an element in one pass over its children, and made as
 * elements to be sent. Which extension (XEP) fills which field stands in extensions.h. Not addressing rules of the hub:
 * who may talk to whom is decided elsewhere.
 *
 * Everything points into the element's arena. Any thread, one at a time per stanza; never blocks.
 */
#pragma once

#include "base/jid.h"
#include "xmpp/element.h"

typedef enum StanzaKind { STANZA_MESSAGE, STANZA_PRESENCE, STANZA_IQ, STANZA_KIND_COUNT } StanzaKind;

typedef enum StanzaType {
        /* message; an unknown type is normal, RFC 6121 §5.2.2 */
        TYPE_NORMAL,
        TYPE_CHAT,
        TYPE_GROUPCHAT,
        TYPE_HEADLINE,
        /* presence */
        TYPE_AVAILABLE,
        TYPE_UNAVAILABLE,
        TYPE_SUBSCRIBE,
        TYPE_SUBSCRIBED,
        TYPE_UNSUBSCRIBE,
        TYPE_UNSUBSCRIBED,
        TYPE_PROBE,
        /* iq */
        TYPE_GET,
        TYPE_SET,
        TYPE_RESULT,
        /* any */
        TYPE_ERROR,
        TYPE_UNKNOWN, /* presence and iq only */
        TYPE_COUNT,
} StanzaType;

typedef enum ChatState {
        STATE_NONE,
        STATE_ACTIVE,
        STATE_COMPOSING,
        STATE_PAUSED,
        STATE_INACTIVE,
        STATE_GONE
} ChatState;

/* A stanza error as received (RFC 6120 §8.3). */
typedef struct StanzaError {
        Text type;      /* cancel, modify, auth, wait, continue */
        Text condition; /* service-unavailable, … */
        Text text;
} StanzaError;

typedef struct Stanza {
        const Element *element;
        StanzaKind kind;
        StanzaType type;
        Text id;      /* may be empty */
        Jid from, to; /* always there */
        StanzaError error;
        const Element *payload; /* iq: the first child; NULL when there is none */
        /* message */
        Text body, subject, thread; /* body: without what is a fallback for something read here (0428) */
        bool has_body;              /* an empty <body/> is one */
        bool receipt_wanted;        /* 0184 */
        Text receipt_for;           /* 0184: the id that this stanza is the receipt of */
        Text origin_id;             /* 0359 */
        Text replaces;              /* 0308: the id of the message that this one corrects */
        Text retracts;              /* 0424: the id of the message that this one takes back */
        Text replies_to;            /* 0461: the id of the message that this one replies to */
        Text reacts_to;             /* 0444: the id of the message that this one reacts to */
        const Element *reactions;   /* 0444: NULL when there are none; for reactions_list() */
        bool markable;              /* 0333: the sender wants to know when it is read */
        ChatState chat_state;       /* 0085 */
        bool delayed;               /* 0203: not sent just now */
        bool carbon;                /* 0280: a copy of somebody's message */
        bool no_store;              /* 0334 */
        bool encrypted;             /* 0380, 0384, 0373, 0027: the body, if any, is a fallback text */
} Stanza;

/* FAILURE_INVALID: not a stanza, or from or to is missing or no JID. FAILURE_TOO_LARGE: no room in the arena. */
bool stanza_read(const Element *element, Stanza *ret_stanza, Failure *reterr_failure) _must_check_;
const char *stanza_kind_name(StanzaKind kind);
const char *stanza_type_name(StanzaType type); /* "" where the attribute is left out */

/* What is to be sent, with its addresses beside it: they are put on by stanza_stamp() alone, on the way out. */
typedef struct Outgoing {
        Element *element;
        Text from, to;
        struct Outgoing *next;
} Outgoing;

typedef struct OutgoingList {
        Outgoing *first, *last;
        bool incomplete; /* the arena's limit was reached: something is missing at the end */
} OutgoingList;

/* Makes a stanza and appends it; NULL when the arena's limit is reached. id may be empty. */
Element *outgoing_add(OutgoingList *list, Arena *arena, StanzaKind kind, StanzaType type, Text id, Text from, Text to);

/* The same stanza to somebody else, without making it anew: what is sent is stamped and written one after the other. */
void outgoing_add_again(OutgoingList *list, Arena *arena, const Outgoing *outgoing, Text to);

/* An error as a child; `space` is the stanza's own in a stanza of type error, another one where it is payload beside a
 * text. `text` may be empty. */
void stanza_add_error(Element *stanza, Text space, FailureKind kind, Text text);
/* Nobody offers that at this address, or nobody is there (RFC 6121 §8.5). */
void stanza_add_unavailable(Element *stanza, Text text);
/* The error that answers a stanza, from the address that was written to (RFC 6120 §8.3.1). Nothing for what must not be
 * answered: errors, headlines, results, and presence other than subscribe. */
void outgoing_add_error(OutgoingList *list, Arena *arena, const Stanza *stanza, FailureKind kind, Text text);
/* The same with stanza_add_unavailable() and no text. */
void outgoing_add_unavailable(OutgoingList *list, Arena *arena, const Stanza *stanza);
/* The result of an iq get or set; add the payload to what is returned. */
Element *outgoing_add_result(OutgoingList *list, Arena *arena, const Stanza *iq);

/* The one place where from and to are put on what we send. Refuses (FAILURE_INTERNAL) a `from` that is not `domain` or
 * an address at it, an empty or malformed `to`, and an incomplete element. */
bool stanza_stamp(const Outgoing *outgoing, Text domain, Failure *reterr_failure) _must_check_;
