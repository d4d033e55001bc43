#include "component/doors/message.h"

#include "xmpp/extensions.h"
#include "xmpp/namespaces.h"
#include "xmpp/styling.h"

#include <stdio.h>

#define RESOURCE       "aiox"
#define AGENT_RESOURCE "/" RESOURCE
#define DRAFT_SUFFIX   ".draft"
#define SUFFIX_SIZE    24

static MessageMeaning meaning_of(const Stanza *stanza) {
        if (stanza->type == TYPE_ERROR)
                return stanza->id.length > 0 ? MESSAGE_BOUNCE : MESSAGE_IGNORED;
        if (stanza->carbon || stanza->type == TYPE_HEADLINE || stanza->type == TYPE_GROUPCHAT)
                return MESSAGE_IGNORED;
        if (stanza->encrypted)
                return MESSAGE_ENCRYPTED;
        if (stanza->retracts.length > 0)
                return MESSAGE_RETRACTED;
        if (stanza->reacts_to.length > 0)
                return MESSAGE_REACTION;
        if (stanza->body.length > 0)
                return MESSAGE_SPEECH;
        return stanza->receipt_for.length > 0 ? MESSAGE_RECEIPT : MESSAGE_SIGNAL;
}

Message message_read(const Stanza *stanza) {
        return (Message){
                .meaning = meaning_of(stanza),
                .sender = stanza->from,
                .agent = stanza->to,
                .type = stanza->type,
                .id = stanza->id,
                .origin_id = stanza->origin_id,
                .thread = stanza->thread,
                .body = stanza->body,
                .subject = stanza->subject,
                .receipt_wanted = stanza->receipt_wanted && stanza->id.length > 0,
                .delayed = stanza->delayed,
                .no_store = stanza->no_store,
                .chat_state = stanza->chat_state,
                .replaces = stanza->replaces,
                .retracts = stanza->retracts,
                .receipt_for = stanza->receipt_for,
                .reacts_to = stanza->reacts_to,
                .reactions = stanza->reactions,
                .markable = stanza->markable && stanza->id.length > 0,
                .is_reply = stanza->replies_to.length > 0,
                .wants_states = stanza->type == TYPE_CHAT || stanza->chat_state != STATE_NONE,
                .bounce = stanza->error,
        };
}

bool message_answer_id(Text id, Uuid *ret_message) {
        size_t uuid_length = UUID_STRING_SIZE - 1;
        if (id.length < uuid_length || !uuid_parse((Text){ id.bytes, uuid_length }, ret_message))
                return false;
        Text rest = { id.bytes + uuid_length, id.length - uuid_length };
        int64_t part;
        return rest.length == 0 ||
               (rest.bytes[0] == '.' && text_to_int64((Text){ rest.bytes + 1, rest.length - 1 }, &part) && part > 1);
}

Text agent_full(Arena *arena, Text agent) {
        if (agent.length == 0 || !memchr(agent.bytes, '@', agent.length))
                return agent;
        char *full = arena_take(arena, agent.length + sizeof(AGENT_RESOURCE));
        if (!full)
                return TEXT_NONE;
        memcpy(full, agent.bytes, agent.length);
        memcpy(full + agent.length, AGENT_RESOURCE, sizeof(AGENT_RESOURCE));
        return (Text){ full, agent.length + sizeof(AGENT_RESOURCE) - 1 };
}

bool agent_is_full(const Jid *jid) {
        return text_equal(jid->resource, TEXT(RESOURCE));
}

/* UUID with what follows it. */
static Text id_of(Arena *arena, Uuid message_id, const char *suffix) {
        char uuid[UUID_STRING_SIZE], id[UUID_STRING_SIZE + SUFFIX_SIZE];
        uuid_format(message_id, uuid);
        snprintf(id, sizeof(id), "%s%s", uuid, suffix);
        return text_copy(arena, text_of(id));
}

static Text part_id_of(Arena *arena, Uuid message_id, size_t part) {
        char suffix[SUFFIX_SIZE] = "";
        if (part > 1)
                snprintf(suffix, sizeof(suffix), ".%zu", part);
        return id_of(arena, message_id, suffix);
}

static Element *add_message(OutgoingList *list, Arena *arena, const ReplyTo *reply_to, StanzaType type, Text id,
                            Text to) {
        return outgoing_add(list, arena, STANZA_MESSAGE, type, id, agent_full(arena, reply_to->agent), to);
}

static void add_thread(Element *message, Text thread) {
        if (thread.length > 0)
                element_add_text(message, TEXT("thread"), TEXT_NONE, thread);
}

void message_add_receipt(OutgoingList *list, Arena *arena, const ReplyTo *reply_to) {
        Element *message = add_message(list, arena, reply_to, TYPE_CHAT, TEXT_NONE, reply_to->address);
        receipts_confirm(message, reply_to->stanza_id);
}

void message_add_refusal(OutgoingList *list, Arena *arena, const ReplyTo *reply_to, FailureKind kind, Text text) {
        Element *message = outgoing_add(list, arena, STANZA_MESSAGE, TYPE_ERROR, reply_to->stanza_id, reply_to->agent,
                                        reply_to->address);
        if (kind == FAILURE_NOT_FOUND)
                stanza_add_unavailable(message, text);
        else
                stanza_add_error(message, TEXT_NONE, kind, text);
}

size_t message_add_answer(OutgoingList *list, Arena *arena, const ReplyTo *reply_to, Uuid message_id, Text body,
                          FailureKind failure, bool replaces_draft) {
        StylingParts parts = { .rest = body };
        Text part = body; /* an answer without text is still one */
        size_t count = 0;
        while (styling_next_part(&parts, MESSAGE_PART_LIMIT, arena, &part) || count == 0) {
                Text id = part_id_of(arena, message_id, ++count);
                Element *message = add_message(list, arena, reply_to, TYPE_CHAT, id, jid_bare(reply_to->address));
                element_add_text(message, TEXT("body"), TEXT_NONE, part);
                add_thread(message, reply_to->thread);
                stanza_ids_set_origin(message, id);
                if (reply_to->quoted_id.length > 0 && count == 1)
                        replies_set(message, reply_to->address, reply_to->quoted_id);
                if (replaces_draft && count == 1)
                        correction_set(message, id_of(arena, message_id, DRAFT_SUFFIX));
                if (failure != FAILURE_NONE && count == 1)
                        stanza_add_error(message, TEXT(NS_AIOX), failure, TEXT_NONE);
                if (text_trim(parts.rest).length > 0)
                        continue;
                receipts_request(message);
                if (reply_to->states)
                        chat_states_set(message, STATE_ACTIVE);
                break;
        }
        return count;
}

void message_add_draft(OutgoingList *list, Arena *arena, const ReplyTo *reply_to, Uuid message_id, Text body,
                       bool first) {
        Text draft_id = id_of(arena, message_id, DRAFT_SUFFIX);
        Element *message = add_message(list, arena, reply_to, TYPE_CHAT, first ? draft_id : TEXT_NONE,
                                       reply_to->address);
        element_add_text(message, TEXT("body"), TEXT_NONE, text_prefix(body, MESSAGE_PART_LIMIT));
        add_thread(message, reply_to->thread);
        if (!first)
                correction_set(message, draft_id);
        chat_states_set(message, STATE_COMPOSING);
        hints_set_no_store(message);
}

void message_add_state(OutgoingList *list, Arena *arena, const ReplyTo *reply_to, ChatState state) {
        Element *message = add_message(list, arena, reply_to, TYPE_CHAT, TEXT_NONE, reply_to->address);
        chat_states_set(message, state);
        add_thread(message, reply_to->thread);
        hints_set_no_store(message);
}

void message_add_displayed(OutgoingList *list, Arena *arena, const ReplyTo *reply_to) {
        Element *message = add_message(list, arena, reply_to, TYPE_CHAT, TEXT_NONE, reply_to->address);
        markers_set_displayed(message, reply_to->stanza_id);
        add_thread(message, reply_to->thread);
}

/* How to send readable messages, in the words of the clients that encrypt unasked. */
static const char unreadable[] =
        "I cannot read encrypted messages, so what you wrote has not reached me. Please switch encryption off for this "
        "conversation and write again:\n"
        "\u2022 Conversations: the lock at the top, then Unencrypted. When it is missing: Settings, Security, OMEMO "
        "encryption, On by default.\n"
        "\u2022 Dino: the lock in the text field, then Unencrypted.\n"
        "\u2022 Gajim: the lock beside the text field, then Disabled.\n"
        "\u2022 Monal: the contact's details, then the lock.";

void message_add_unreadable(OutgoingList *list, Arena *arena, const ReplyTo *reply_to, Uuid notice_id) {
        Text id = id_of(arena, notice_id, "");
        Element *message = add_message(list, arena, reply_to, TYPE_CHAT, id, reply_to->address);
        element_add_text(message, TEXT("body"), TEXT_NONE, text_of(unreadable));
        add_thread(message, reply_to->thread);
        stanza_ids_set_origin(message, id);
}
