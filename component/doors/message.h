/* The message door: translates message stanzas to plain facts, and what the hub decided back to stanzas. It decides
 * nothing: no access, no limits, no store.
 *
 * Results live in the arena given. Any thread; never blocks.
 */
#pragma once

#include "base/failure.h"
#include "xmpp/stanza.h"

typedef enum MessageMeaning {
        MESSAGE_SPEECH,    /* somebody says something to the agent */
        MESSAGE_RETRACTED, /* somebody takes back what he said: message.retracts */
        MESSAGE_RECEIPT,   /* an answer arrived at a client: message.receipt_for */
        MESSAGE_BOUNCE,    /* an answer could not be delivered: message.id is the answer's, message.bounce says why */
        MESSAGE_SIGNAL,    /* chat states, markers and other things without text: counted, never answered */
        MESSAGE_ENCRYPTED, /* we have no keys; its body, if any, is not what was said */
        MESSAGE_IGNORED,   /* copies, headlines, errors that name nothing: never answered */
} MessageMeaning;

typedef struct Message {
        MessageMeaning meaning;
        Jid sender;        /* full as it came */
        Jid agent;         /* as it was addressed */
        StanzaType type;   /* TYPE_CHAT, TYPE_NORMAL, TYPE_GROUPCHAT, … */
        Text id;           /* stanza id; may be empty */
        Text origin_id;    /* XEP-0359; may be empty */
        Text thread, body, subject;
        bool receipt_wanted;
        bool delayed;
        bool no_store;     /* XEP-0334 */
        ChatState chat_state;
        Text replaces, retracts, receipt_for;
        StanzaError bounce;
} Message;

Message message_read(const Stanza *stanza);

/* XEP-0184: to the full JID that asked. */
void message_add_receipt(OutgoingList *list, Arena *arena, Text agent, Text to, Text id);

#define MESSAGE_PART_LIMIT 60000 /* bytes of one part's body as XML: well below what servers pass on */
#define AGENT_RESOURCE     "aiox"

typedef struct MessageAnswer {
        Text agent;    /* bare JID; speaks from /aiox */
        Text to;       /* bare JID of a person */
        Text id;       /* the message's UUID: stanza and origin id; further parts are UUID.2 … */
        Text thread, body;
        Text replaces; /* XEP-0308: the draft's id, on the first part; may be empty */
        FailureKind failure; /* not NONE: the body explains it, and the condition stands beside it as payload */
        bool draft;    /* interim text of a stream: no receipt asked, not stored */
} MessageAnswer;

/* One element per part; ret: how many. */
size_t message_add_answer(OutgoingList *list, Arena *arena, const MessageAnswer *answer);

/* XEP-0085 to a full JID; not stored. */
void message_add_state(OutgoingList *list, Arena *arena, Text agent, Text to, Text thread, ChatState state);

/* A refusal before anything was accepted is a stanza error: outgoing_add_error() of xmpp/stanza.h; for one that is known
 * only by its parts: */
void message_add_refusal(OutgoingList *list, Arena *arena, Text agent, Text to, Text id, FailureKind kind, Text text);
