/* The chat-text door: commands as lines of a chat. It says which messages are commands, finds the operation that one
 * names, and puts the result into words. At an agent these are the few that concern the conversation (/help, /new …),
 * at the hub's own address every operation, whose missing fields it asks for one by one: what is still missing, and
 * whether it may be done, is found from what the person wrote there before, so that nothing is kept in between. A door:
 * it decides nothing that operation_call() decides.
 *
 * chat_text_read() on any thread, never blocks; chat_text_answer() blocks and runs on a worker.
 */
#pragma once

#include "orchestrator/operations/call.h"

/* What the text of a message is to us. */
typedef struct ChatText {
        bool command;
        bool stops; /* /stop: the core ends what runs, before anything is looked up */
        Text body;  /* "//x" is the text "/x" */
} ChatText;

ChatText chat_text_read(Text body, bool to_hub);

typedef struct ChatRequest {
        Uuid message_id, tenant_id;
        Text sender; /* bare JID */
        bool platform;
        Text agent; /* its bare JID; empty: the hub itself */
        Text thread, body;
        const Text *earlier; /* to the hub: what the same person wrote there lately, oldest first */
        size_t earlier_count;
        int64_t now_us; /* wall clock */
} ChatRequest;

/* The answer is Markdown in the arena. On failure its sentence is the answer; UNAVAILABLE: perhaps done, ask again. */
bool chat_text_answer(Operations *operations, const ChatRequest *request, Arena *arena, Text *ret_answer,
                      Failure *reterr_failure) _must_check_;
