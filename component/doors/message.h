/* The message door: translates message stanzas to plain facts, and what the hub decided back to stanzas. It decides
 * nothing: no access, no limits, no store.
 *
 * Results live in the arena given; texts are borrowed. Any thread; never blocks.
 */
#pragma once

#include "base/record.h"
#include "xmpp/stanza.h"

/* Where an agent speaks and shows presence from: its bare JID with /aiox; the hub itself from its domain. TEXT_NONE
 * when the arena is full. */
Text agent_full(Arena *arena, Text agent);
bool agent_is_full(const Jid *jid);

typedef enum MessageMeaning {
        MESSAGE_SPEECH,    /* somebody says something to the agent */
        MESSAGE_ENCRYPTED, /* the same, for keys we do not have; its body, if any, is not what was said */
        MESSAGE_RETRACTED, /* somebody takes back what he said: message.retracts */
        MESSAGE_REACTION,  /* what somebody thinks of an answer: message.reacts_to, message.reactions */
        MESSAGE_RECEIPT,   /* an answer arrived at a client: message.receipt_for */
        MESSAGE_BOUNCE,    /* an answer could not be delivered: message.id is the answer's, message.bounce says why */
        MESSAGE_SIGNAL,    /* chat states, markers and other things without text: counted, never answered */
        MESSAGE_IGNORED,   /* copies, headlines, rooms, errors that name nothing: never answered */
} MessageMeaning;

typedef struct Message {
        MessageMeaning meaning;
        Jid sender; /* full as it came */
        Jid agent;  /* as it was addressed */
        StanzaType type;
        Text id;        /* stanza id; may be empty */
        Text origin_id; /* XEP-0359; may be empty */
        Text thread, body, subject;
        bool receipt_wanted;
        bool delayed;
        bool no_store; /* XEP-0334 */
        ChatState chat_state;
        Text replaces, retracts, receipt_for, reacts_to;
        const Element *reactions;
        bool markable;     /* XEP-0333 */
        bool is_reply;     /* XEP-0461 */
        bool wants_states; /* XEP-0085: it is a chat, or its client has shown that it knows them */
        StanzaError bounce;
} Message;

Message message_read(const Stanza *stanza);

/* Whether an id that a receipt or bounce names is one that message_add_answer() gave to a final answer or a part of it,
 * and whose. Receipts come for the last part, being asked for there. */
bool message_answer_id(Text id, Uuid *ret_message);

/* XEP-0184, to the full JID that asked. */
void message_add_receipt(OutgoingList *list, Arena *arena, const ReplyTo *reply_to);
/* A stanza error, for what was not accepted; NOT_FOUND as RFC 6121 §8.5.1 has it for an address where nobody is. */
void message_add_refusal(OutgoingList *list, Arena *arena, const ReplyTo *reply_to, FailureKind kind, Text text);

#define MESSAGE_PART_LIMIT 60000 /* bytes of one part's body as XML: well below what servers pass on */

/* A final answer, to the bare JID, in as many parts as it takes (at least one): ids UUID, UUID.2, UUID.3 … A failure
 * other than NONE is what the body explains; its condition goes along as payload. replaces_draft: the first part
 * corrects UUID.draft (XEP-0308). Returns the number of parts. */
size_t message_add_answer(OutgoingList *list, Arena *arena, const ReplyTo *reply_to, Uuid message_id, Text body,
                          FailureKind failure, bool replaces_draft);
/* Text of a stream so far, to the full JID, under UUID.draft; the first one starts it, later ones correct it. */
void message_add_draft(OutgoingList *list, Arena *arena, const ReplyTo *reply_to, Uuid message_id, Text body,
                       bool first);
/* XEP-0085, to the full JID; not stored. */
void message_add_state(OutgoingList *list, Arena *arena, const ReplyTo *reply_to, ChatState state);
/* XEP-0333: the sender's message is read. */
void message_add_displayed(OutgoingList *list, Arena *arena, const ReplyTo *reply_to);
/* Says, in clear text, that agents cannot read what is encrypted, and how to switch that off. notice_id: a new one. */
void message_add_unreadable(OutgoingList *list, Arena *arena, const ReplyTo *reply_to, Uuid notice_id);
